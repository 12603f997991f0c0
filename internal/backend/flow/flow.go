// Package flow keeps definitions of job trees in SQL and runs them: a run fills
// in the parameters and adds the whole tree to the queues at once.
package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// maxFlows bounds how many flows are listed.
const maxFlows = 10_000

// Node is a job of a flow. It runs once all its children have.
type Node struct {
	Name     string            `json:"name"`
	Queue    string            `json:"queue"`
	Data     json.RawMessage   `json:"data,omitempty"`
	Opts     bullmq.JobOptions `json:"opts"`
	Children []Node            `json:"children,omitempty"`
}

// Parameter is a value that a run may give.
type Parameter struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Default is the value of runs that give none. Nil makes the parameter required.
	Default json.RawMessage `json:"default,omitempty"`
}

// Spec is what an author says about a flow.
type Spec struct {
	Name       string
	Definition Node
	Parameters []Parameter
}

// Flow is a stored flow.
type Flow struct {
	ID string
	Spec
	CreatedBy            string
	CreatedAt, UpdatedAt time.Time
}

// InvalidError says what is wrong with a flow or the parameters of a run, and where.
type InvalidError struct {
	// Path leads to the fault, such as "definition.children[0].opts.jobId".
	Path, Message string
}

func (e *InvalidError) Error() string { return e.Message }

// Service defines and runs flows. It is safe for concurrent use.
type Service struct {
	store    *store.DB
	backend  bullmq.Backend
	producer *bullmq.FlowProducer
	prefix   string
	now      func() time.Time
}

// New returns a service over a database and the queues of a prefix.
func New(db *store.DB, backend bullmq.Backend, prefix string) *Service {
	return &Service{
		store: db, backend: backend, prefix: prefix, now: time.Now,
		producer: bullmq.NewFlowProducer(backend, &bullmq.FlowOptions{Prefix: prefix}),
	}
}

// Create stores a new flow.
func (s *Service) Create(ctx context.Context, spec Spec, by string) (*Flow, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := s.now()
	f := &Flow{ID: id.String(), Spec: spec, CreatedBy: by, CreatedAt: now, UpdatedAt: now}
	row, err := f.row()
	if err != nil {
		return nil, err
	}
	return f, s.store.CreateFlow(ctx, row)
}

// Update replaces what the author said about a flow. Runs keep what they began with.
func (s *Service) Update(ctx context.Context, f *Flow, spec Spec) (*Flow, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	changed := *f
	changed.Spec, changed.UpdatedAt = spec, s.now()
	row, err := changed.row()
	if err != nil {
		return nil, err
	}
	return &changed, s.store.UpdateFlow(ctx, row)
}

// Flow returns the flow of this id, or [store.ErrNotFound].
func (s *Service) Flow(ctx context.Context, id string) (*Flow, error) {
	row, err := s.store.Flow(ctx, id)
	if err != nil {
		return nil, err
	}
	return decode(row)
}

// Flows returns all flows by name.
func (s *Service) Flows(ctx context.Context) ([]*Flow, error) {
	rows, err := s.store.Flows(ctx, maxFlows)
	if err != nil {
		return nil, err
	}
	flows := make([]*Flow, len(rows))
	for i := range rows {
		if flows[i], err = decode(&rows[i]); err != nil {
			return nil, err
		}
	}
	return flows, nil
}

// Delete removes a flow and the record of its runs. Jobs stay as they are.
func (s *Service) Delete(ctx context.Context, id string) error { return s.store.DeleteFlow(ctx, id) }

func (f *Flow) row() (*store.Flow, error) {
	definition, err := json.Marshal(f.Definition)
	if err != nil {
		return nil, fmt.Errorf("encode flow: %w", err)
	}
	parameters, err := json.Marshal(append([]Parameter{}, f.Parameters...))
	if err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	return &store.Flow{
		ID: f.ID, Name: f.Name, Definition: definition, Parameters: parameters, CreatedBy: f.CreatedBy,
		CreatedAt: f.CreatedAt.UnixMilli(), UpdatedAt: f.UpdatedAt.UnixMilli(),
	}, nil
}

func decode(row *store.Flow) (*Flow, error) {
	f := &Flow{
		ID: row.ID, Spec: Spec{Name: row.Name}, CreatedBy: row.CreatedBy,
		CreatedAt: time.UnixMilli(row.CreatedAt), UpdatedAt: time.UnixMilli(row.UpdatedAt),
	}
	err := errors.Join(json.Unmarshal(row.Definition, &f.Definition), json.Unmarshal(row.Parameters, &f.Parameters))
	if err != nil {
		return nil, fmt.Errorf("decode flow %s: %w", row.ID, err)
	}
	return f, nil
}

// Walk calls f for each node, parents first, with the path that leads to it.
func (n *Node) Walk(path string, f func(path string, n *Node) error) error {
	if err := f(path, n); err != nil {
		return err
	}
	for i := range n.Children {
		if err := n.Children[i].Walk(fmt.Sprintf("%s.children[%d]", path, i), f); err != nil {
			return err
		}
	}
	return nil
}

// maxNodes bounds a flow, for it is added in one transaction.
const maxNodes = 10_000

func (s *Spec) validate() error {
	seen := map[string]bool{}
	for i, p := range s.Parameters {
		if seen[p.Name] {
			return &InvalidError{fmt.Sprintf("parameters[%d].name", i), "There is another parameter of this name."}
		}
		seen[p.Name] = true
	}
	nodes := 0
	return s.Definition.Walk("definition", func(path string, n *Node) error {
		if nodes++; nodes > maxNodes {
			return &InvalidError{"definition", fmt.Sprintf("A flow has at most %d jobs.", maxNodes)}
		}
		if n.Opts.ID != "" {
			return &InvalidError{path + ".opts.jobId", "The jobs of a flow get a new id in each run."}
		}
		return nil
	})
}
