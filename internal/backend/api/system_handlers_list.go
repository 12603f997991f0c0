package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

func (s *service) listHandlers(ctx context.Context, in *PageQuery) (*pageOutput[Handler], error) {
	handlers, err := s.handlers(ctx)
	if err != nil {
		return nil, err
	}
	return slicePage(*in, "handlers", handlers)
}

func (s *service) getHandler(ctx context.Context, in *handlerInput) (*handlerOutput, error) {
	handlers, err := s.handlers(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range handlers {
		if h.Name == in.Name {
			return &handlerOutput{h}, nil
		}
	}
	return nil, problem.Field(http.StatusNotFound, "handler_not_found", "path.name", "No worker has a handler of this name.")
}

// handlers returns those of all workers by name.
func (s *service) handlers(ctx context.Context) ([]Handler, error) {
	force, err := s.opts.Directory.Workforce(ctx)
	if err != nil {
		return nil, err
	}
	workers := slices.Clone(force.Workers)
	slices.SortStableFunc(workers, func(a, b catalogue.Worker) int { return b.StartedAt.Compare(a.StartedAt) })
	p := auth.FromContext(ctx)
	found := map[string]*Handler{}
	for i := range workers {
		for j := range workers[i].Handlers {
			h := &workers[i].Handlers[j]
			if found[h.Name] == nil {
				found[h.Name] = &Handler{Name: h.Name, Queues: []string{}, On: []HandlerWorker{}}
			}
			found[h.Name].merge(p, &workers[i], h)
		}
	}
	handlers := make([]Handler, 0, len(found))
	for _, h := range found {
		slices.Sort(h.Queues)
		handlers = append(handlers, *h)
	}
	slices.SortFunc(handlers, func(a, b Handler) int { return cmp.Compare(a.Name, b.Name) })
	return handlers, nil
}

// merge adds what a worker tells of the handler. Newer workers come first.
func (h *Handler) merge(p *auth.Principal, w *catalogue.Worker, c *catalogue.Handler) {
	if h.Kind == "" || h.Version == "" && c.InService() {
		h.describe(c)
	}
	if c.Error != nil && h.Error == nil {
		h.Error = newHandlerError(c.Error)
	}
	// Two sources of one worker may want the name; then it is told of the one that has it.
	if i := slices.IndexFunc(h.On, func(on HandlerWorker) bool { return on.WorkerID == w.ID }); i >= 0 {
		if !c.InService() {
			return
		}
		h.On = slices.Delete(h.On, i, i+1)
		h.Workers--
	}
	on := newHandlerWorker(w, c)
	h.On = append(h.On, on)
	h.Workers++
	h.Running += on.Running
	h.Held += on.Held
	for _, q := range w.Queues {
		if p.SeesQueue(q.Name) && q.Allows(c.Name) && !slices.Contains(h.Queues, q.Name) {
			h.Queues = append(h.Queues, q.Name)
		}
	}
}

func (h *Handler) describe(c *catalogue.Handler) {
	h.Kind, h.Version, h.Description, h.Author = string(c.Kind), c.Version, c.Description, c.Author
	h.Source, h.Language, h.DataSchema, h.ResultSchema = c.Source, c.Language, c.DataSchema, c.ResultSchema
	if c.Defaults != nil {
		h.Defaults, _ = json.Marshal(c.Defaults) // plain numbers
	}
}

func newHandlerWorker(w *catalogue.Worker, c *catalogue.Handler) HandlerWorker {
	load := w.LoadOf(c.Name)
	_, hash, _ := strings.Cut(c.Version, "+")
	on := HandlerWorker{
		WorkerID: w.ID, Worker: workerName(w), Host: w.Host, Version: c.Version, Hash: hash, Disabled: c.Disabled,
		Running: load.Running, Held: load.Held, Concurrency: load.Concurrency, Draining: []HandlerVersion{},
		Error: newHandlerError(c.Error),
	}
	for _, d := range load.Draining {
		on.Draining = append(on.Draining, HandlerVersion(d))
	}
	return on
}

func newHandlerError(e *catalogue.LoadError) *HandlerError {
	if e == nil {
		return nil
	}
	return &HandlerError{Message: e.Message, File: e.File, Line: e.Line, Column: e.Column, Frame: e.Frame, At: e.At.UnixMilli()}
}

// workerName is what to call a worker, of versions without a name too.
func workerName(w *catalogue.Worker) string {
	if w.Name != "" {
		return w.Name
	}
	return fmt.Sprintf("%s:%d", w.Host, w.PID)
}
