package bullmq

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// Processor runs one attempt of a job. What it returns becomes the job's
// result, as JSON; an error fails the attempt, and the job runs again if it has
// attempts left. See [Unrecoverable] and [DelayJob] for other ends.
//
// The context ends when the worker gives the job up: its lock was lost, or the
// worker's shutdown ran out of time.
type Processor func(ctx context.Context, job *Job) (any, error)

// WorkerOptions are the choices of a [Worker]; nil or the zero value is fine.
type WorkerOptions struct {
	// Prefix is the key prefix. Defaults to [DefaultPrefix].
	Prefix string
	// Name is shown as the job's processedBy and in worker lists; a name that is
	// not printable ASCII without spaces keeps the worker out of those. Defaults to
	// none.
	Name string
	// Concurrency is how many jobs run at once. Defaults to 1.
	Concurrency int
	// LockDuration is how long a job stays locked without a renewal; locks are
	// renewed after half of it. Defaults to 30 s.
	LockDuration time.Duration
	// StalledInterval is how often stalled jobs are looked for. Defaults to 30 s;
	// -1 leaves that to other workers.
	StalledInterval time.Duration
	// MaxStalledCount is how often a job may stall before it fails. Defaults to 1;
	// -1 stands for never.
	MaxStalledCount int
	// DrainDelay is how long an idle worker waits before it looks again. Defaults to 5 s.
	DrainDelay time.Duration
	// ShutdownTimeout is how long Run waits for running jobs after its context
	// has ended. Then their contexts end too, and jobs that stop for it go back to
	// wait without losing an attempt. Defaults to 30 s; -1 waits for ever.
	ShutdownTimeout time.Duration
	// RemoveOnComplete and RemoveOnFail apply to jobs that do not say themselves.
	// Nil keeps all.
	RemoveOnComplete *Keep
	RemoveOnFail     *Keep
	// Hooks are told what happens. They are called from the worker's goroutines
	// and must not block.
	Hooks WorkerHooks
	// Logger receives what no hook takes. Defaults to [slog.Default].
	Logger *slog.Logger
	// Now tells the time. Defaults to [time.Now].
	Now func() time.Time
}

// WorkerHooks are called as jobs pass through a worker; each may be nil.
type WorkerHooks struct {
	// Active is called before an attempt runs.
	Active func(job *Job)
	// Completed is called when a job's completion has been stored.
	Completed func(job *Job)
	// Failed is called when an attempt's failure has been stored; final says that no
	// attempt follows.
	Failed func(job *Job, err error, final bool)
	// Stalled is called for each job taken back from a silent worker.
	Stalled func(id string)
	// Error is called for what concerns no single job, such as a lost connection.
	// The worker goes on by itself.
	Error func(err error)
}

func (o WorkerOptions) withDefaults() WorkerOptions {
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	o.Concurrency = cmp.Or(o.Concurrency, 1)
	o.LockDuration = cmp.Or(o.LockDuration, 30*time.Second)
	o.StalledInterval = cmp.Or(o.StalledInterval, 30*time.Second)
	o.MaxStalledCount = cmp.Or(o.MaxStalledCount, 1)
	o.DrainDelay = cmp.Or(o.DrainDelay, 5*time.Second)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, 30*time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o *WorkerOptions) validate() error {
	switch {
	case o.Concurrency < 1:
		return invalid("concurrency", "concurrency must be at least 1")
	case o.LockDuration < time.Millisecond:
		return invalid("lockDuration", "lockDuration must be at least 1 ms")
	case o.StalledInterval < time.Millisecond && o.StalledInterval != -1:
		return invalid("stalledInterval", "stalledInterval must be greater than zero")
	case o.MaxStalledCount < -1:
		return invalid("maxStalledCount", "maxStalledCount must be greater or equal than 0")
	case o.DrainDelay < 0:
		return invalid("drainDelay", "drainDelay must be greater than 0")
	}
	return nil
}

// Worker processes the jobs of one queue.
type Worker struct {
	ref     QueueRef
	backend Backend
	process Processor
	opts    WorkerOptions
	id      string
}

// NewWorker returns a worker that does nothing before [Worker.Run].
func NewWorker(backend Backend, queue string, process Processor, opts *WorkerOptions) (*Worker, error) {
	if process == nil {
		return nil, errors.New("bullmq: a worker needs a processor")
	}
	if err := validateQueueName(queue); err != nil {
		return nil, err
	}
	w := &Worker{backend: backend, process: process, id: uuid.NewString()}
	if opts != nil {
		w.opts = *opts
	}
	w.opts = w.opts.withDefaults()
	if err := w.opts.validate(); err != nil {
		return nil, err
	}
	w.ref = QueueRef{Prefix: w.opts.Prefix, Name: queue}
	return w, nil
}

// Run takes and runs jobs until ctx ends, then stops taking new ones, waits for
// those that run, and returns nil. It outlives lost connections: it reports
// them to the Error hook and tries again. Run may be called once.
func (w *Worker) Run(ctx context.Context) error {
	return newWorkLoop(w).run(ctx)
}
