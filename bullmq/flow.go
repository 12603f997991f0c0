package bullmq

import (
	"cmp"
	"context"
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
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// AddBulk adds many trees in one transaction, or nothing if a node of any is
// refused; the error then names it by its path, such as "flows[3].children[1].name".
func (p *FlowProducer) AddBulk(ctx context.Context, flows []FlowJob) ([]*FlowResult, error) {
	return p.add(ctx, flows, func(i int) string { return fmt.Sprintf("flows[%d].", i) })
}

func (p *FlowProducer) add(ctx context.Context, flows []FlowJob, path func(int) string) ([]*FlowResult, error) {
	results := make([]*FlowResult, len(flows))
	var nodes []FlowNode
	for i, flow := range flows {
		root := &flowTask{node: flow, path: path(i), result: &FlowResult{}}
		tree, err := p.flatten(ctx, root)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, tree...)
		results[i] = root.result
	}
	if len(nodes) > p.opts.MaxNodes {
		return nil, invalid("children", "a flow has at most %d jobs", p.opts.MaxNodes)
	}
	if len(nodes) == 0 {
		return results, nil
	}
	if err := p.backend.AddFlow(ctx, nodes); err != nil {
		return nil, fmt.Errorf("add flow %s: %w", flows[0].Name, err)
	}
	return results, nil
}

// flowTask is a node on its way into a flow.
type flowTask struct {
	node   FlowJob
	parent *ParentRef
	path   string
	result *FlowResult
}

// flatten lists the nodes of a tree level by level, the order in which BullMQ
// adds them and so the one in which those of a queue run.
func (p *FlowProducer) flatten(ctx context.Context, root *flowTask) ([]FlowNode, error) {
	now := p.opts.Now()
	var nodes []FlowNode
	for level := []*flowTask{root}; len(level) > 0; {
		var below []*flowTask
		for _, task := range level {
			if len(nodes) == p.opts.MaxNodes {
				return nil, invalid("children", "a flow has at most %d jobs", p.opts.MaxNodes)
			}
			node, err := p.prepare(ctx, task, now)
			if err != nil {
				return nil, prefixField(err, task.path)
			}
			nodes = append(nodes, node)
			for i, child := range task.node.Children {
				result := &FlowResult{}
				task.result.Children = append(task.result.Children, result)
				below = append(below, &flowTask{
					node: child, parent: &ParentRef{ID: node.Job.ID, Queue: node.Queue.String()},
					path: fmt.Sprintf("%schildren[%d].", task.path, i), result: result,
				})
			}
		}
		level = below
	}
	return nodes, nil
}

func (p *FlowProducer) prepare(ctx context.Context, task *flowTask, now time.Time) (FlowNode, error) {
	f := task.node
	if err := validateQueueName(f.Queue); err != nil {
		return FlowNode{}, err
	}
	ref := QueueRef{Prefix: cmp.Or(f.Prefix, p.opts.Prefix), Name: f.Queue}
	opts := f.Opts.withDefaults(p.opts.JobOptions[f.Queue])
	opts.traced(ctx, p.opts.Propagator)
	if task.parent != nil {
		opts.Parent = task.parent
		// Scripts find a child's id behind the last colon of its key.
		if strings.Contains(opts.ID, ":") {
			return FlowNode{}, invalid("jobId", "the id of a flow's child cannot contain :")
		}
	}
	if len(f.Children) > 0 && opts.Deduplication != nil {
		return FlowNode{}, invalid("deduplication", "Deduplication options cannot be used on flow nodes with children")
	}
	add, err := newJob(f.Name, f.Data, &opts, now)
	if err != nil {
		return FlowNode{}, err
	}
	// A node without an id gets one here, since its children must name it. The
	// checks come before, for they refuse ids that only a counter may give.
	if add.ID == "" {
		add.ID = uuid.NewString()
	}
	task.result.Job = add.job(p.backend, ref, opts)
	return FlowNode{Queue: ref, Job: add, WaitsForChildren: len(f.Children) > 0}, nil
}

func prefixField(err error, path string) error {
	if v, ok := err.(*ValidationError); ok { //nolint:errorlint // newJob returns it unwrapped
		return &ValidationError{Field: path + v.Field, Message: v.Message}
	}
	return err
}
