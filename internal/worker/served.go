package worker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/turn"
)

// maxHeld bounds how many jobs of a queue are held for busy handlers.
const maxHeld = 256

// served is a queue being served.
type served struct {
	key      queueKey
	line     string // its name in the lines before handlers
	super    *Supervisor
	attempts *attempts
	settings atomic.Pointer[Queue]
	worker   *bullmq.Worker
	seats    *turn.Seats
	stop     context.CancelFunc
	stopping <-chan struct{}

	mu   sync.Mutex
	held int // guarded by mu; jobs that wait for a handler
}

// newServed returns a queue that is not served yet.
func newServed(s *Supervisor, key queueKey, settings Queue, attempts *attempts) (*served, error) {
	q := &served{
		key: key, line: key.prefix + ":" + key.name, super: s, attempts: attempts, seats: turn.NewSeats(settings.Concurrency),
	}
	q.settings.Store(&settings)
	opts := settings.workerOptions()
	opts.Name, opts.ShutdownTimeout = s.opts.Name, s.opts.ShutdownTimeout
	opts.Logger, opts.Hooks = s.opts.Logger, q.hooks()
	var err error
	q.worker, err = bullmq.NewWorker(s.opts.Backend, key.name, q.process, opts)
	return q, err
}

// adjust takes settings over that need no new worker, and reports whether those are all.
func (q *served) adjust(settings Queue) bool {
	old := q.settings.Load()
	if rate(old.RateLimit) != rate(settings.RateLimit) {
		return false
	}
	q.settings.Store(&settings)
	q.seats.Resize(settings.Concurrency)
	q.hold(0)
	return true
}

// hold counts jobs that begin or end to wait for a handler. They leave their
// places to others.
func (q *served) hold(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held += n
	if err := q.worker.SetConcurrency(q.settings.Load().Concurrency + q.held); err != nil {
		q.super.opts.Logger.Error("concurrency could not be changed", slog.String("queue", q.key.name), slog.Any("error", err))
	}
}

// holds returns how many jobs wait for a handler.
func (q *served) holds() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}

// pause stops or resumes the taking of jobs.
func (q *served) pause(paused bool) {
	if paused {
		q.worker.Pause()
	} else {
		q.worker.Resume()
	}
}

// hooks log what happens to the queue's jobs, and free what was kept for them.
func (q *served) hooks() bullmq.WorkerHooks {
	log := q.super.opts.Logger.With(slog.String("queue", q.key.name))
	return bullmq.WorkerHooks{
		Completed: q.attempts.over,
		Failed: func(job *bullmq.Job, err error, final bool) {
			if final {
				q.attempts.over(job)
			}
			log.Warn("job attempt failed", slog.String("job", job.ID), slog.String("handler", job.Name),
				slog.Bool("final", final), slog.Any("error", err))
		},
		Stalled: func(id string) { log.Warn("job was taken back from a silent worker", slog.String("job", id)) },
		Error:   func(err error) { log.Error("worker error", slog.Any("error", err)) },
	}
}
