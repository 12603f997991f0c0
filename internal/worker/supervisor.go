package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// Supervisor runs the jobs of its queues with the handlers it has.
type Supervisor struct {
	opts      Options
	id        string
	host      string
	startedAt time.Time
	registry  *registry.Registry
	publisher *catalogue.Publisher
	attempts  *attempts
	queues    []*served
}

// served is a queue being served.
type served struct {
	Queue
	worker  *bullmq.Worker
	running atomic.Int64
}

// New returns a supervisor that does nothing before [Supervisor.Run].
func New(opts Options) (*Supervisor, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("worker: name of this host: %w", err)
	}
	s := &Supervisor{opts: opts, id: uuid.NewString(), host: host, startedAt: time.Now()}
	s.attempts = newAttempts(opts.Backend, opts.Prefix, opts.Logger)
	s.publisher = catalogue.NewPublisher(opts.Backend.Client(), opts.Prefix, s.snapshot,
		&catalogue.PublisherOptions{Logger: opts.Logger})
	s.registry = registry.New(registry.Options{Changed: s.publisher.Changed, Logger: opts.Logger})
	if err := s.registerCompiled(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	for _, q := range opts.Queues {
		entry := &served{Queue: q}
		entry.worker, err = bullmq.NewWorker(opts.Backend, q.Name, s.processor(entry), &bullmq.WorkerOptions{
			Prefix: opts.Prefix, Name: fmt.Sprintf("%s:%d", host, os.Getpid()), Concurrency: q.Concurrency,
			ShutdownTimeout: opts.ShutdownTimeout, Logger: opts.Logger, Hooks: s.hooks(q.Name),
		})
		if err != nil {
			return nil, fmt.Errorf("worker: queue %s: %w", q.Name, err)
		}
		s.queues = append(s.queues, entry)
	}
	return s, nil
}

// Run loads the handlers and runs jobs until ctx ends. Then it takes no further
// ones, waits for those that run, ends every child process and returns nil. Run
// may be called once.
func (s *Supervisor) Run(ctx context.Context) (err error) {
	loader, err := runtime.NewLoader(s.opts.Runtime)
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	// Children end last: jobs may need them until the queues have stopped.
	defer func() { err = errors.Join(err, s.closeHandlers(context.WithoutCancel(ctx), loader)) }()
	watch, err := watcher.New(watcher.Options{})
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	defer func() { err = errors.Join(err, watch.Close()) }()
	defer s.attempts.close()

	files := newSources(s.opts, loader, s.registry, watch)
	files.loadAll(ctx)
	s.opts.Logger.InfoContext(ctx, "worker started", slog.String("worker", s.id), slog.Int("queues", len(s.queues)),
		slog.Int("handlers", len(s.registry.Catalogue())))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return watch.Run(ctx, func(c watcher.Change) { files.changed(ctx, c) }) })
	g.Go(func() error { return s.publisher.Run(ctx) })
	for _, q := range s.queues {
		g.Go(func() error { return q.worker.Run(ctx) })
	}
	return g.Wait()
}

// closeHandlers ends the child processes.
func (s *Supervisor) closeHandlers(ctx context.Context, loader *runtime.Loader) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("child processes did not end in time"))
	defer cancel()
	return errors.Join(s.registry.Close(ctx), loader.Close())
}

// Handlers describes the handlers as they are now.
func (s *Supervisor) Handlers() []catalogue.Handler { return s.registry.Catalogue() }

// snapshot is what the catalogue says about this worker.
func (s *Supervisor) snapshot() catalogue.Worker {
	w := catalogue.Worker{
		ID: s.id, Host: s.host, PID: os.Getpid(), StartedAt: s.startedAt,
		Queues: make([]catalogue.Queue, 0, len(s.queues)), Handlers: s.registry.Catalogue(),
	}
	for _, q := range s.queues {
		w.Queues = append(w.Queues, catalogue.Queue{
			Name: q.Name, Concurrency: q.Concurrency, Running: int(q.running.Load()),
		})
	}
	return w
}

// hooks log what happens to a queue's jobs.
func (s *Supervisor) hooks(queue string) bullmq.WorkerHooks {
	log := s.opts.Logger.With(slog.String("queue", queue))
	return bullmq.WorkerHooks{
		Completed: s.attempts.over,
		Failed: func(job *bullmq.Job, err error, final bool) {
			if final {
				s.attempts.over(job)
			}
			log.Warn("job attempt failed", slog.String("job", job.ID), slog.String("handler", job.Name),
				slog.Bool("final", final), slog.Any("error", err))
		},
		Stalled: func(id string) { log.Warn("job was taken back from a silent worker", slog.String("job", id)) },
		Error:   func(err error) { log.Error("worker error", slog.Any("error", err)) },
	}
}
