package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// fanOut bounds how many jobs are read at once.
const fanOut = 32

// State is what became of a run, as its root job tells.
type State string

// The states of a run.
const (
	StateRunning   State = "running"
	StateCompleted State = "completed"
	StateFailed    State = "failed"
	// StateUnknown is that of a run whose root job has been removed.
	StateUnknown State = "unknown"
)

// Run is one run of a flow.
type Run struct {
	ID         string
	FlowID     string
	FlowName   string
	State      State
	Root       *RunNode
	Parameters map[string]json.RawMessage
	CreatedBy  string
	CreatedAt  time.Time
}

// RunNode is a job of a run.
type RunNode struct {
	Queue    string     `json:"queue"`
	JobID    string     `json:"jobId"`
	Name     string     `json:"name"`
	Children []*RunNode `json:"children,omitempty"`

	// State and Job are as they are now; Job is nil if it has been removed.
	State bullmq.JobState `json:"-"`
	Job   *bullmq.Job     `json:"-"`
}

// Prepare fills the parameters of a run in and returns the tree that it would add.
func (f *Flow) Prepare(given map[string]json.RawMessage) (*Prepared, error) {
	values, err := f.values(given)
	if err != nil {
		return nil, err
	}
	root, err := f.Definition.fill(values)
	if err != nil {
		return nil, err
	}
	return &Prepared{flow: f, values: values, Root: root}, nil
}

// Prepared is a run that has not begun.
type Prepared struct {
	flow   *Flow
	values map[string]json.RawMessage
	// Root is the tree with the values of the parameters filled in.
	Root Node
}

// Start adds the jobs of a run, all or none, and keeps a record of it.
func (s *Service) Start(ctx context.Context, p *Prepared, by string) (*Run, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	job, root := p.Root.job()
	run := &Run{
		ID: id.String(), FlowID: p.flow.ID, FlowName: p.flow.Name, Root: root,
		Parameters: p.values, CreatedBy: by, CreatedAt: s.now(),
	}
	row, err := run.row()
	if err != nil {
		return nil, err
	}
	// The record comes first: without it nobody would find jobs that were added
	// just before a crash, while a record without jobs says so itself.
	if err := s.store.CreateFlowRun(ctx, row); err != nil {
		return nil, err
	}
	if _, err := s.producer.Add(ctx, job); err != nil {
		forget := s.store.DeleteFlowRun(context.WithoutCancel(ctx), run.ID)
		return nil, errors.Join(err, forget)
	}
	return run, s.observe(ctx, run)
}

// job gives every node an id and returns the tree in the engine's form and as it is recorded.
func (n *Node) job() (bullmq.FlowJob, *RunNode) {
	opts := n.Opts
	opts.ID = uuid.NewString()
	job := bullmq.FlowJob{Name: n.Name, Queue: n.Queue, Data: n.Data, Opts: &opts}
	node := &RunNode{Queue: n.Queue, JobID: opts.ID, Name: n.Name}
	for i := range n.Children {
		childJob, childNode := n.Children[i].job()
		job.Children = append(job.Children, childJob)
		node.Children = append(node.Children, childNode)
	}
	return job, node
}

// Run returns a run with the present state of its jobs, or [store.ErrNotFound].
func (s *Service) Run(ctx context.Context, id string) (*Run, error) {
	row, err := s.store.FlowRun(ctx, id)
	if err != nil {
		return nil, err
	}
	run, err := decodeRun(row)
	if err != nil {
		return nil, err
	}
	return run, s.observe(ctx, run)
}

// Runs returns up to limit runs of a flow from offset on, newest first, with the
// state of their roots only, and how many there are in all.
func (s *Service) Runs(ctx context.Context, flowID string, offset, limit int64) ([]*Run, int64, error) {
	rows, n, err := s.store.FlowRuns(ctx, flowID, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	runs := make([]*Run, len(rows))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fanOut)
	for i := range rows {
		if runs[i], err = decodeRun(&rows[i]); err != nil {
			return nil, 0, errors.Join(err, g.Wait())
		}
		g.Go(func() error {
			state, err := s.backend.JobState(ctx, s.ref(runs[i].Root), runs[i].Root.JobID)
			runs[i].State = runState(state)
			return err
		})
	}
	return runs, n, g.Wait()
}

// observe fills in the present state of a run's jobs.
func (s *Service) observe(ctx context.Context, run *Run) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fanOut)
	var visit func(n *RunNode)
	visit = func(n *RunNode) {
		g.Go(func() error { return s.observeNode(ctx, n) })
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(run.Root)
	if err := g.Wait(); err != nil {
		return fmt.Errorf("read jobs of flow run %s: %w", run.ID, err)
	}
	run.State = runState(run.Root.State)
	return nil
}

func (s *Service) observeNode(ctx context.Context, n *RunNode) (err error) {
	if n.State, err = s.backend.JobState(ctx, s.ref(n), n.JobID); err != nil {
		return err
	}
	n.Job, err = s.backend.Job(ctx, s.ref(n), n.JobID)
	if errors.Is(err, bullmq.ErrJobNotFound) {
		n.State = bullmq.StateUnknown
		return nil
	}
	return err
}

func (s *Service) ref(n *RunNode) bullmq.QueueRef {
	return bullmq.QueueRef{Prefix: s.prefix, Name: n.Queue}
}

func runState(root bullmq.JobState) State {
	switch root {
	case bullmq.StateCompleted:
		return StateCompleted
	case bullmq.StateFailed:
		return StateFailed
	case bullmq.StateUnknown:
		return StateUnknown
	default:
		return StateRunning
	}
}

func (r *Run) row() (*store.FlowRun, error) {
	tree, err := json.Marshal(r.Root)
	if err != nil {
		return nil, fmt.Errorf("encode flow run: %w", err)
	}
	parameters, err := json.Marshal(r.Parameters)
	if err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	return &store.FlowRun{
		ID: r.ID, FlowID: r.FlowID, FlowName: r.FlowName, RootQueue: r.Root.Queue, RootJobID: r.Root.JobID,
		Tree: tree, Parameters: parameters, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.UnixMilli(),
	}, nil
}

func decodeRun(row *store.FlowRun) (*Run, error) {
	r := &Run{
		ID: row.ID, FlowID: row.FlowID, FlowName: row.FlowName, CreatedBy: row.CreatedBy,
		CreatedAt: time.UnixMilli(row.CreatedAt),
	}
	if err := errors.Join(json.Unmarshal(row.Tree, &r.Root), json.Unmarshal(row.Parameters, &r.Parameters)); err != nil {
		return nil, fmt.Errorf("decode flow run %s: %w", row.ID, err)
	}
	return r, nil
}
