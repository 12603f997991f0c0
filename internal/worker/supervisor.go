package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/turn"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// Supervisor runs the jobs of its queues with the handlers it has.
type Supervisor struct {
	opts      Options
	id        string
	host      string
	startedAt time.Time
	registry  *registry.Registry
	turns     turn.Book
	parked    *backlog
	peers     *peers
	settings  atomic.Pointer[Settings]
	forced    atomic.Bool // jobs that run are cut off
	ready     chan struct{}
	setReady  func() // closes ready, once

	mu       sync.Mutex
	running  context.Context      // guarded by mu; nil before queues are served
	files    *sources             // guarded by mu; nil before queues are served
	found    map[string][]string  // guarded by mu; queues that exist, by prefix
	serving  map[queueKey]*served // guarded by mu
	alive    map[*served]bool     // guarded by mu; those being served, and those that end
	attempts map[string]*attempts // guarded by mu; by prefix
	presence map[string]*presence // guarded by mu; by prefix
	ended    []error              // guarded by mu; of queues that did not end well
	work     sync.WaitGroup       // queues that are alive
	shown    sync.WaitGroup       // publishers
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
	opts.Name = cmp.Or(opts.Name, fmt.Sprintf("%s:%d", host, os.Getpid()))
	s := &Supervisor{
		opts: opts, id: uuid.NewString(), host: host, startedAt: time.Now(), found: map[string][]string{},
		serving: map[queueKey]*served{}, alive: map[*served]bool{},
		attempts: map[string]*attempts{}, presence: map[string]*presence{},
	}
	s.settings.Store(&opts.Settings)
	s.ready = make(chan struct{})
	s.setReady = sync.OnceFunc(func() { close(s.ready) })
	s.parked, s.peers = newBacklog(s), newPeers(s)
	s.registry = registry.New(registry.Options{Changed: s.handlersChanged, Logger: opts.Logger})
	if err := s.registerCompiled(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
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
	watch, err := watcher.New(watcher.Options{Mode: s.opts.Watch, Logger: s.opts.Logger})
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	defer func() { err = errors.Join(err, watch.Close()) }()

	files := newSources(s.opts, loader, s.registry, watch, s.tuning())
	s.opts.Logger.InfoContext(ctx, "loading handlers", slog.Any("directories", s.opts.HandlerDirs), slog.Any("plugins", s.opts.PluginDirs))
	files.loadAll(ctx)
	s.serve(ctx, files)
	s.opts.Logger.InfoContext(ctx, "worker started", slog.String("worker", s.id), slog.String("name", s.opts.Name),
		slog.Int("handlers", len(s.registry.Catalogue())))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return watch.Run(ctx, func(c watcher.Change) { files.changed(ctx, c) }) })
	g.Go(func() error { return s.discover(ctx) })
	g.Go(func() error { return s.parked.run(ctx) })
	return errors.Join(g.Wait(), s.drain())
}

// Ready is closed when the handlers that were there at the start have been loaded,
// the queues are served, and the catalogue says so.
func (s *Supervisor) Ready() <-chan struct{} { return s.ready }

// Force shortens the wait at the end of Run, whose context has ended: jobs that
// still run are cut off and go back to wait without losing an attempt.
func (s *Supervisor) Force() {
	s.forced.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for q := range s.alive {
		q.worker.CancelAllJobs("the worker is stopped by force")
	}
}

// closeHandlers ends the child processes.
func (s *Supervisor) closeHandlers(ctx context.Context, loader *runtime.Loader) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("child processes did not end in time"))
	defer cancel()
	return errors.Join(s.registry.Close(ctx), loader.Close())
}

// Handlers describes the handlers as they are now.
func (s *Supervisor) Handlers() []catalogue.Handler {
	settings := s.settings.Load()
	list := s.registry.Catalogue()
	for i := range list {
		list[i].Disabled = settings.handler(list[i].Name).Disabled
	}
	return list
}

// handlersChanged tells those who wait for a handler, and those who read the catalogue.
func (s *Supervisor) handlersChanged() {
	s.turns.Limit(s.limitOf)
	s.parked.wake()
	s.publish()
}
