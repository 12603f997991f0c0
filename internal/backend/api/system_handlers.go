package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

func (s *service) stats(ctx context.Context, _ *struct{}) (*statsOutput, error) {
	names, err := s.visibleQueues(ctx)
	if err != nil {
		return nil, err
	}
	queues, err := s.describe(ctx, names)
	if err != nil {
		return nil, err
	}
	out := &statsOutput{Stats{Queues: len(queues), PerQueue: make([]QueueStats, len(queues))}}
	for i, q := range queues {
		out.Body.PerQueue[i] = QueueStats{Name: q.Name, Paused: q.Paused, Workers: q.Workers, Counts: q.Counts}
		out.Body.Jobs.add(q.Counts)
		out.Body.Workers += q.Workers
		if q.Paused {
			out.Body.PausedQueues++
		}
	}
	return out, nil
}

func (c *JobCounts) add(o JobCounts) {
	c.Waiting += o.Waiting
	c.Active += o.Active
	c.Delayed += o.Delayed
	c.Prioritized += o.Prioritized
	c.WaitingChildren += o.WaitingChildren
	c.Completed += o.Completed
	c.Failed += o.Failed
}

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

// handlers returns those of all workers by name: of several versions the one
// of the worker that began last, with the queues of all that have it.
func (s *service) handlers(ctx context.Context) ([]Handler, error) {
	force, err := s.opts.Directory.Workforce(ctx)
	if err != nil {
		return nil, err
	}
	workers := slices.Clone(force.Workers)
	slices.SortFunc(workers, func(a, b catalogue.Worker) int { return b.StartedAt.Compare(a.StartedAt) })
	p := auth.FromContext(ctx)
	found := map[string]*Handler{}
	for i := range workers {
		for _, h := range workers[i].Handlers {
			out, ok := found[h.Name]
			if !ok {
				made := newHandler(&h)
				out = &made
				found[h.Name] = out
			}
			out.Workers++
			for _, q := range workers[i].Queues {
				if p.SeesQueue(q.Name) && !slices.Contains(out.Queues, q.Name) {
					out.Queues = append(out.Queues, q.Name)
				}
			}
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

func newHandler(h *catalogue.Handler) Handler {
	out := Handler{
		Name: h.Name, Kind: string(h.Kind), Version: h.Version, Description: h.Description, Author: h.Author,
		Source: h.Source, Language: h.Language, DataSchema: h.DataSchema, ResultSchema: h.ResultSchema, Queues: []string{},
	}
	if h.Defaults != nil {
		out.Defaults, _ = json.Marshal(h.Defaults) // plain numbers
	}
	if e := h.Error; e != nil {
		out.Error = &HandlerError{Message: e.Message, File: e.File, Line: e.Line, Column: e.Column, Frame: e.Frame, At: e.At.UnixMilli()}
	}
	return out
}

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

// newWorker describes a worker as far as the caller may see it, and tells
// whether that is at all.
func newWorker(p *auth.Principal, w *catalogue.Worker) (Worker, bool) {
	out := Worker{
		ID: w.ID, Host: w.Host, PID: w.PID, StartedAt: w.StartedAt.UnixMilli(), SeenAt: w.SeenAt.UnixMilli(),
		Queues: []WorkerQueue{}, Handlers: make([]string, len(w.Handlers)),
	}
	for i := range w.Handlers {
		out.Handlers[i] = w.Handlers[i].Name
	}
	for _, q := range w.Queues {
		if p.SeesQueue(q.Name) {
			out.Queues = append(out.Queues, WorkerQueue{Name: q.Name, Concurrency: q.Concurrency, Running: q.Running})
		}
	}
	return out, len(out.Queues) > 0 || len(p.Queues) == 0
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

func (s *service) system(ctx context.Context, _ *struct{}) (*systemOutput, error) {
	info, err := s.redisInfo(ctx)
	if err != nil {
		return nil, err
	}
	version, err := s.opts.Store.Version(ctx)
	if err != nil {
		return nil, err
	}
	return &systemOutput{System{
		Version: s.opts.Version, GoVersion: runtime.Version(), StartedAt: s.opts.StartedAt.UnixMilli(),
		Now: s.opts.Now().UnixMilli(), Prefix: s.opts.Prefix, Redis: info,
		SQL:    SQLInfo{Dialect: string(s.opts.Store.Dialect()), Version: version},
		Limits: ServerLimits{BodyBytes: s.opts.BodyLimit, BulkJobs: maxBulk},
	}}, nil
}

func (s *service) redisInfo(ctx context.Context) (RedisInfo, error) {
	client := s.opts.Redis.Client()
	text, err := client.Do(ctx, client.B().Info().Build()).ToString()
	if err != nil {
		return RedisInfo{}, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(fields[name], 10, 64) // what a server does not tell is 0
		return n
	}
	out := RedisInfo{
		Server: "redis", Version: fields["redis_version"], Mode: cmp.Or(fields["redis_mode"], fields["server_mode"]),
		UptimeSeconds: number("uptime_in_seconds"), UsedMemory: number("used_memory"), MaxMemory: number("maxmemory"),
		ConnectedClients: number("connected_clients"),
	}
	if v := fields["valkey_version"]; v != "" {
		out.Server, out.Version = "valkey", v
	}
	return out, nil
}
