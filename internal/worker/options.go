package worker

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// Queue is a queue to serve.
type Queue struct {
	// Name is the queue's name without its prefix.
	Name string
	// Concurrency is how many of its jobs run at once. Defaults to 1.
	Concurrency int
}

// UnknownPolicy says what becomes of a job whose name no handler answers.
type UnknownPolicy string

// The policies for jobs without a handler.
const (
	// UnknownDelay puts the job back for a while; it keeps its attempts.
	UnknownDelay UnknownPolicy = "delay"
	// UnknownFail fails the job at once, for good.
	UnknownFail UnknownPolicy = "fail"
)

// Options are the choices of a [Supervisor].
type Options struct {
	// Backend holds the queues. Required; the supervisor does not close it.
	Backend *bullmq.Redis
	// Prefix is the queues' key prefix. Defaults to [bullmq.DefaultPrefix].
	Prefix string
	// Queues are what to serve. At least one is required.
	Queues []Queue
	// HandlerDirs are directories whose files are handlers. They must exist.
	HandlerDirs []string
	// PluginDirs are plugin folders, or directories of such. They must exist.
	PluginDirs []string
	// Handlers are further compiled-in handlers.
	Handlers []*handler.Definition
	// Core are the choices of the core handlers.
	Core core.Options
	// Runtime are the choices for handlers that run in child processes.
	Runtime runtime.LoaderOptions
	// Timeout is how long an attempt may take if its handler does not say.
	// Defaults to 0, which means no limit.
	Timeout time.Duration
	// Unknown says what becomes of jobs without a handler. Defaults to [UnknownDelay].
	Unknown UnknownPolicy
	// UnknownRetry is how long such a job is put back for. Defaults to 30 s.
	UnknownRetry time.Duration
	// ShutdownTimeout is how long Run waits for running jobs after its context has
	// ended; those that still run then go back to wait. Defaults to 30 s.
	ShutdownTimeout time.Duration
	// Logger defaults to [slog.Default].
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, bullmq.DefaultPrefix)
	o.Unknown = cmp.Or(o.Unknown, UnknownDelay)
	o.UnknownRetry = cmp.Or(o.UnknownRetry, 30*time.Second)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, 30*time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.Runtime.Logger = cmp.Or(o.Runtime.Logger, o.Logger)
	queues := make([]Queue, len(o.Queues))
	for i, q := range o.Queues {
		queues[i] = Queue{Name: q.Name, Concurrency: cmp.Or(q.Concurrency, 1)}
	}
	o.Queues = queues
	o.HandlerDirs, o.PluginDirs = slices.Clone(o.HandlerDirs), slices.Clone(o.PluginDirs)
	return o
}

func (o *Options) validate() error {
	if o.Backend == nil {
		return errors.New("a backend is required")
	}
	if len(o.Queues) == 0 {
		return errors.New("at least one queue is required")
	}
	seen := map[string]bool{}
	for _, q := range o.Queues {
		if q.Concurrency < 1 {
			return fmt.Errorf("queue %q: concurrency must be at least 1", q.Name)
		}
		if seen[q.Name] {
			return fmt.Errorf("queue %q is named twice", q.Name)
		}
		seen[q.Name] = true
	}
	if o.Unknown != UnknownDelay && o.Unknown != UnknownFail {
		return fmt.Errorf("policy for jobs without a handler is %q, want %q or %q", o.Unknown, UnknownDelay, UnknownFail)
	}
	return errors.Join(makeAbsolute("handler", o.HandlerDirs), makeAbsolute("plugin", o.PluginDirs))
}

// makeAbsolute checks that directories exist, and resolves their paths so that
// they compare with what the watcher and the runtimes report.
func makeAbsolute(kind string, dirs []string) error {
	for i, dir := range dirs {
		path, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("%s directory: %w", kind, err)
		}
		if !info.IsDir() {
			return fmt.Errorf("%s directory %s is not a directory", kind, dir)
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return fmt.Errorf("%s directory: %w", kind, err)
		}
		dirs[i] = path
	}
	return nil
}
