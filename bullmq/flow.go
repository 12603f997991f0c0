package bullmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// FlowJob is a node of a flow: a job that runs once all its children have.
type FlowJob struct {
	Name string
	// Queue is the name of the queue the job goes to.
	Queue string
	// Prefix is the queue's key prefix. Defaults to the producer's.
	Prefix   string
	Data     any
	Opts     *JobOptions
	Children []FlowJob
}

// FlowResult is a node of a flow, as it was added or read, with its children.
type FlowResult struct {
	Job      *Job
	Children []*FlowResult
}

// FlowOptions are the choices of a [FlowProducer]; nil or the zero value is fine.
type FlowOptions struct {
	// Prefix is the key prefix of nodes that name none. Defaults to [DefaultPrefix].
	Prefix string
	// JobOptions fill the options that the jobs of a queue are added without, by the
	// queue's name.
	JobOptions map[string]*JobOptions
	// Propagator adds the trace context to jobs. Nil leaves them alone.
	Propagator Propagator
	// MaxNodes is the largest flow that is accepted, for it is added in one
	// transaction. Defaults to 10,000.
	MaxNodes int
	// Now tells the time. Defaults to [time.Now].
	Now func() time.Time
}

// FlowProducer adds trees of jobs. It is safe for concurrent use.
type FlowProducer struct {
	backend Backend
	opts    FlowOptions
}

// NewFlowProducer returns a producer over the backend.
func NewFlowProducer(backend Backend, opts *FlowOptions) *FlowProducer {
	p := &FlowProducer{backend: backend}
	if opts != nil {
		p.opts = *opts
	}
	p.opts.Prefix = cmp.Or(p.opts.Prefix, DefaultPrefix)
	p.opts.MaxNodes = cmp.Or(p.opts.MaxNodes, 10_000)
	if p.opts.Now == nil {
		p.opts.Now = time.Now
	}
	return p
}

// Add adds a whole tree, or nothing if a node is refused; the error then names
// the node by its path, such as "children[1].name".
func (p *FlowProducer) Add(ctx context.Context, flow FlowJob) (*FlowResult, error) {
	results, err := p.add(ctx, []FlowJob{flow}, func(int) string { return "" })
	if bulk, ok := err.(*BulkError); ok { //nolint:errorlint // add returns it unwrapped
		return nil, bulk.Errors[0]
	}
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// AddBulk adds many trees in one transaction. Nothing is added if an option of any
// node is refused; the error then names the node by its path, such as
// "flows[3].children[1].name". Each tree is added whole or not at all: if some were
// not, for want of their parent say, the error is a [*BulkError] and their places
// in the result are nil.
func (p *FlowProducer) AddBulk(ctx context.Context, flows []FlowJob) ([]*FlowResult, error) {
	return p.add(ctx, flows, func(i int) string { return fmt.Sprintf("flows[%d].", i) })
}

func (p *FlowProducer) add(ctx context.Context, flows []FlowJob, path func(int) string) ([]*FlowResult, error) {
	if len(flows) == 0 {
		return []*FlowResult{}, nil
	}
	tops := make([]*flowTask, len(flows))
	for i, flow := range flows {
		tops[i] = &flowTask{flow: flow, tree: i, path: path(i), result: &FlowResult{}}
	}
	tasks, err := p.flatten(ctx, tops)
	if err != nil {
		return nil, err
	}
	nodes := make([]FlowNode, len(tasks))
	for i, task := range tasks {
		nodes[i] = task.node
	}
	added, err := p.backend.AddFlow(ctx, nodes)
	if err != nil {
		return nil, fmt.Errorf("add flow %s: %w", flows[0].Name, err)
	}
	failed := map[int]error{}
	for i, task := range tasks {
		if err := added[i].Err; err == nil {
			// A job that was deduplicated has the id of another.
			task.result.Job.ID = added[i].ID
		} else if failed[task.tree] == nil || errors.Is(failed[task.tree], ErrFlowRefused) {
			failed[task.tree] = fmt.Errorf("add flow %s: job %q in queue %s: %w", flows[task.tree].Name, task.flow.Name, task.flow.Queue, err)
		}
	}
	results := make([]*FlowResult, len(flows))
	for i, top := range tops {
		if failed[i] == nil {
			results[i] = top.result
		}
	}
	if len(failed) > 0 {
		return results, &BulkError{Errors: failed}
	}
	return results, nil
}

// flowTask is a node on its way into a flow.
type flowTask struct {
	flow   FlowJob
	tree   int // which of the flows it belongs to
	parent *ParentRef
	path   string
	node   FlowNode
	result *FlowResult
}

// flatten lists the nodes of the trees level by level, the order in which BullMQ
// adds them and so the one in which those of a queue run.
func (p *FlowProducer) flatten(ctx context.Context, tops []*flowTask) ([]*flowTask, error) {
	now := p.opts.Now()
	var tasks []*flowTask
	for level := tops; len(level) > 0; {
		var below []*flowTask
		for _, task := range level {
			if len(tasks) == p.opts.MaxNodes {
				return nil, invalid("children", "the flows of a call have at most %d jobs", p.opts.MaxNodes)
			}
			if err := p.prepare(ctx, task, now); err != nil {
				return nil, prefixField(err, task.path)
			}
			tasks = append(tasks, task)
			for i, child := range task.flow.Children {
				result := &FlowResult{}
				task.result.Children = append(task.result.Children, result)
				below = append(below, &flowTask{
					flow: child, tree: task.tree, parent: &ParentRef{ID: task.node.Job.ID, Queue: task.node.Queue.String()},
					path: fmt.Sprintf("%schildren[%d].", task.path, i), result: result,
				})
			}
		}
		level = below
	}
	return tasks, nil
}

// prepare checks a node and makes the job of it.
func (p *FlowProducer) prepare(ctx context.Context, task *flowTask, now time.Time) error {
	f := task.flow
	if err := validateQueueName(f.Queue); err != nil {
		return err
	}
	ref := QueueRef{Prefix: cmp.Or(f.Prefix, p.opts.Prefix), Name: f.Queue}
	opts := f.Opts.withDefaults(p.opts.JobOptions[f.Queue])
	opts.traced(ctx, p.opts.Propagator)
	if task.parent != nil {
		opts.Parent = task.parent
		// Scripts find a child's id behind the last colon of its key.
		if strings.Contains(opts.ID, ":") {
			return invalid("jobId", "the id of a flow's child cannot contain :")
		}
	}
	if len(f.Children) > 0 && opts.Deduplication != nil {
		return invalid("deduplication", "Deduplication options cannot be used on flow nodes with children")
	}
	add, err := newJob(f.Name, f.Data, &opts, now)
	if err != nil {
		return err
	}
	// A node without an id gets one here, since its children must name it. The
	// checks come before, for they refuse ids that only a counter may give.
	if add.ID == "" {
		add.ID = uuid.NewString()
	}
	task.result.Job = add.job(p.backend, ref, opts)
	task.node = FlowNode{Queue: ref, Job: add, WaitsForChildren: len(f.Children) > 0}
	return nil
}

func prefixField(err error, path string) error {
	if v, ok := err.(*ValidationError); ok { //nolint:errorlint // newJob returns it unwrapped
		return &ValidationError{Field: path + v.Field, Message: v.Message}
	}
	return err
}
