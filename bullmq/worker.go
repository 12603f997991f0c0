package bullmq

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Processor runs one attempt of a job. What it returns becomes the job's
// result, as JSON; an error fails the attempt, and the job runs again if it has
// attempts left. [Unrecoverable], [DelayJob], [ReleaseJob], [RateLimitJob] and
// [WaitForChildren] make errors with other meanings.
//
// The context ends when the worker gives the job up: it was cancelled
// ([Worker.CancelJob]), its lock was lost, or the worker's shutdown ran out of
// time. [context.Cause] tells which.
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
	// MaxStartedAttempts is how often a job may be started, stalls and delays by its
	// own processor included; beyond that it fails. 0 means no limit.
	MaxStartedAttempts int
	// Limiter is a rate limit over all workers of the queue that have one. The
	// queue's own ([Queue.SetGlobalRateLimit]) goes before its Max. Nil means none.
	Limiter *RateLimit
	// MetricsPoints is for how many minutes the queue counts jobs that finish
	// ([Queue.Metrics]). 0 counts none.
	MetricsPoints int
	// BackoffStrategy computes the pause of jobs whose Backoff has a type of its
	// own. Without one such jobs fail.
	BackoffStrategy BackoffStrategy
	// RepeatStrategy plans the runs of job schedulers that have a pattern. It must
	// be the same in every worker and queue. Nil reads the pattern as cron.
	RepeatStrategy RepeatStrategy
	// Propagator continues the producer's trace in the processor's context. Nil
	// leaves the context alone.
	Propagator Propagator
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
	// Progress is called when a job of this worker has stored its progress.
	Progress func(job *Job)
	// Stalled is called for each job taken back from a silent worker.
	Stalled func(id string)
	// LockLost is called with the jobs whose locks could not be renewed. Their
	// contexts end.
	LockLost func(ids []string)
	// Drained is called when the worker has found nothing more to do.
	Drained func()
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
	case o.MaxStartedAttempts < 0:
		return invalid("maxStartedAttempts", "maxStartedAttempts must be greater or equal than 0")
	case o.DrainDelay < 0:
		return invalid("drainDelay", "drainDelay must be greater than 0")
	case o.MetricsPoints < 0:
		return invalid("metrics", "maxDataPoints must be greater or equal than 0")
	case o.Limiter != nil:
		return o.Limiter.validate("limiter")
	}
	return nil
}

func (l RateLimit) validate(field string) error {
	if l.Max < 1 || l.Duration < time.Millisecond {
		return invalid(field, "a rate limit needs a max of at least 1 and a duration of at least 1 ms")
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

	running     *runningJobs
	tokens      atomic.Int64 // how many lock tokens have been given out
	concurrency atomic.Int64
	paused      atomic.Bool
	changed     chan struct{} // tells the loop that one of the two above has changed
	quiet       quietGate
}

// NewWorker returns a worker that does nothing before [Worker.Run]. The processor
// may be nil for a worker whose jobs are taken by hand, with [Worker.NextJob].
func NewWorker(backend Backend, queue string, process Processor, opts *WorkerOptions) (*Worker, error) {
	if err := validateQueueName(queue); err != nil {
		return nil, err
	}
	w := &Worker{
		backend: backend, process: process, id: uuid.NewString(),
		running: newRunningJobs(), changed: make(chan struct{}, 1),
	}
	if opts != nil {
		w.opts = *opts
	}
	w.opts = w.opts.withDefaults()
	if err := w.opts.validate(); err != nil {
		return nil, err
	}
	w.ref = QueueRef{Prefix: w.opts.Prefix, Name: queue}
	if err := backend.CheckQueue(w.ref); err != nil {
		return nil, err
	}
	w.concurrency.Store(int64(w.opts.Concurrency))
	return w, nil
}

// Run takes and runs jobs until ctx ends, then stops taking new ones, waits for
// those that run, and returns nil. It outlives lost connections: it reports
// them to the Error hook and tries again. Run may be called once.
func (w *Worker) Run(ctx context.Context) error {
	if w.process == nil {
		return errors.New("bullmq: a worker needs a processor to run")
	}
	return newWorkLoop(w).run(ctx)
}
