package bullmq

import (
	"cmp"
	"context"
	"fmt"
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

// FlowResult is a node that was added, with its children.
type FlowResult struct {
	Job      *Job
	Children []*FlowResult
}

// FlowOptions are the choices of a [FlowProducer]; nil or the zero value is fine.
type FlowOptions struct {
	// Prefix is the key prefix of nodes that name none. Defaults to [DefaultPrefix].
	Prefix string
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
	b := flowBuilder{producer: p, now: p.opts.Now()}
	root, err := b.add(flow, nil, "")
	if err != nil {
		return nil, err
	}
	if err := p.backend.AddFlow(ctx, b.nodes); err != nil {
		return nil, fmt.Errorf("add flow %s: %w", flow.Name, err)
	}
	return root, nil
}

// flowBuilder flattens a tree to nodes, parents before their children.
type flowBuilder struct {
	producer *FlowProducer
	now      time.Time
	nodes    []FlowNode
}

func (b *flowBuilder) add(f FlowJob, parent *ParentRef, path string) (*FlowResult, error) {
	if len(b.nodes) >= b.producer.opts.MaxNodes {
		return nil, invalid("children", "a flow has at most %d jobs", b.producer.opts.MaxNodes)
	}
	if err := validateQueueName(f.Queue); err != nil {
		return nil, invalid(path+"queue", "%v", err)
	}
	ref := QueueRef{Prefix: cmp.Or(f.Prefix, b.producer.opts.Prefix), Name: f.Queue}
	opts := f.Opts.clone()
	if parent != nil {
		opts.Parent = parent
	}
	if len(opts.ID) > 0 && parent != nil && countColons(opts.ID) > 0 {
		return nil, invalid(path+"opts.jobId", "the id of a flow's child cannot contain :")
	}
	// A node without an id gets one here, since its children must name it.
	// The checks come first, for they refuse ids that only a counter may give.
	add, err := newJob(f.Name, f.Data, &opts, b.now)
	if err != nil {
		return nil, prefixField(err, path)
	}
	if add.ID == "" {
		add.ID = uuid.NewString()
	}
	job := add.job(b.producer.backend, ref, opts)
	b.nodes = append(b.nodes, FlowNode{Queue: ref, Job: add, WaitsForChildren: len(f.Children) > 0})
	result := &FlowResult{Job: job}
	for i, child := range f.Children {
		c, err := b.add(child, &ParentRef{ID: add.ID, Queue: ref.String()}, fmt.Sprintf("%schildren[%d].", path, i))
		if err != nil {
			return nil, err
		}
		result.Children = append(result.Children, c)
	}
	return result, nil
}

func countColons(s string) (n int) {
	for i := range len(s) {
		if s[i] == ':' {
			n++
		}
	}
	return n
}

func prefixField(err error, path string) error {
	if v, ok := err.(*ValidationError); ok { //nolint:errorlint // newJob returns it unwrapped
		return &ValidationError{Field: path + v.Field, Message: v.Message}
	}
	return err
}
