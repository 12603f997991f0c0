package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

func (s *service) listWorkers(ctx context.Context, _ *struct{}) (*workersOutput, error) {
	force, err := s.opts.Directory.Workforce(ctx)
	if err != nil {
		return nil, err
	}
	p := auth.FromContext(ctx)
	out := &workersOutput{Workers{Items: []Worker{}, Connections: []WorkerConnection{}}}
	for i := range force.Workers {
		if w, ok := newWorker(p, &force.Workers[i]); ok {
			out.Body.Items = append(out.Body.Items, w)
		}
	}
	out.Body.Connections = append(out.Body.Connections, connections(p, force)...)
	return out, nil
}

func (s *service) pauseWorker(ctx context.Context, in *workerInput) (*workerOutput, error) {
	return s.orderWorker(ctx, in.ID, catalogue.Orders{Paused: true})
}

func (s *service) resumeWorker(ctx context.Context, in *workerInput) (*workerOutput, error) {
	return s.orderWorker(ctx, in.ID, catalogue.Orders{})
}

// orderWorker gives a worker its orders. Who is limited to some queues may do so
// if the worker serves no others.
func (s *service) orderWorker(ctx context.Context, id string, orders catalogue.Orders) (*workerOutput, error) {
	force, err := s.opts.Directory.Workforce(ctx)
	if err != nil {
		return nil, err
	}
	notFound := problem.Field(http.StatusNotFound, "worker_not_found", "path.id", "There is no worker of this id.")
	p := auth.FromContext(ctx)
	for i := range force.Workers {
		w := &force.Workers[i]
		out, visible := newWorker(p, w)
		if w.ID != id || !visible {
			continue
		}
		if len(out.Queues) < len(w.Queues) {
			return nil, problem.Field(http.StatusForbidden, "queue_forbidden", "path.id",
				"The worker also serves queues that the credential may not use.")
		}
		err := s.opts.Directory.Order(ctx, id, orders)
		if errors.Is(err, catalogue.ErrWorkerNotFound) {
			return nil, notFound
		}
		out.Paused = orders.Paused
		return &workerOutput{out}, err
	}
	return nil, notFound
}

// newWorker describes a worker as far as the caller may see it, and tells
// whether that is at all.
func newWorker(p *auth.Principal, w *catalogue.Worker) (Worker, bool) {
	out := Worker{
		ID: w.ID, Name: workerName(w), Host: w.Host, PID: w.PID,
		StartedAt: w.StartedAt.UnixMilli(), SeenAt: w.SeenAt.UnixMilli(), Paused: w.Paused, Stopping: w.Stopping,
		Queues: []WorkerQueue{}, Handlers: make([]string, len(w.Handlers)),
	}
	for i := range w.Handlers {
		out.Handlers[i] = w.Handlers[i].Name
	}
	for _, q := range w.Queues {
		if p.SeesQueue(q.Name) {
			out.Queues = append(out.Queues, newWorkerQueue(q))
		}
	}
	return out, len(out.Queues) > 0 || len(p.Queues) == 0
}

func newWorkerQueue(q catalogue.Queue) WorkerQueue {
	out := WorkerQueue{
		Name: q.Name, Concurrency: q.Concurrency, Running: q.Running, Held: q.Held, Handlers: q.Handlers, Pattern: q.Pattern,
	}
	if l := q.RateLimit; l != nil {
		out.RateLimit = &RateLimit{Max: l.Max, Duration: l.DurationMS}
	}
	return out
}

func connections(p *auth.Principal, force *directory.Workforce) []WorkerConnection {
	var out []WorkerConnection
	for _, c := range force.Connections {
		if p.SeesQueue(c.Queue) {
			out = append(out, WorkerConnection{ID: c.ID, Queue: c.Queue, Name: c.Name, Addr: c.Addr, Age: c.Age.Milliseconds()})
		}
	}
	return out
}
