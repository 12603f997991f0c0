package bullmq

import (
	"context"
	"sync"
	"time"
)

// CancelError is the cause with which the context of a cancelled job ends. The
// job fails with it, whatever attempts it has left.
type CancelError struct {
	// Reason was given by who cancelled the job. It may be empty.
	Reason string
}

func (e *CancelError) Error() string {
	if e.Reason == "" {
		return "cancelled"
	}
	return e.Reason
}

// CancelJob ends the context of a job that this worker runs and returns whether
// there is one of this id. The job fails with the reason, or "cancelled" without
// one, unless its processor completes it all the same.
func (w *Worker) CancelJob(id, reason string) bool {
	return w.running.cancel(id, &CancelError{Reason: reason})
}

// CancelAllJobs is [Worker.CancelJob] for every job that this worker runs.
func (w *Worker) CancelAllJobs(reason string) {
	w.running.cancelAll(&CancelError{Reason: reason})
}

// Pause stops this worker from taking jobs; other workers of the queue go on.
// Running jobs go on as well: [Worker.WaitIdle] waits for them.
func (w *Worker) Pause() { w.paused.Store(true); w.change() }

// Resume lets a paused worker take jobs again.
func (w *Worker) Resume() { w.paused.Store(false); w.change() }

// IsPaused reports whether this worker is paused.
func (w *Worker) IsPaused() bool { return w.paused.Load() }

// WaitIdle returns when no job of this worker runs or waits to be reported, or
// with the context's error.
func (w *Worker) WaitIdle(ctx context.Context) error {
	select {
	case <-w.quiet.wait():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Concurrency returns how many jobs run at once.
func (w *Worker) Concurrency() int { return int(w.concurrency.Load()) }

// SetConcurrency changes how many jobs run at once. Jobs beyond a smaller number
// run to their end.
func (w *Worker) SetConcurrency(n int) error {
	opts := w.opts
	opts.Concurrency = n
	if err := opts.validate(); err != nil {
		return err
	}
	w.concurrency.Store(int64(n))
	w.change()
	return nil
}

func (w *Worker) change() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// RateLimit stops the queue's rate limited workers from taking jobs for d, as
// [Queue.RateLimit] does.
func (w *Worker) RateLimit(ctx context.Context, d time.Duration) error {
	return w.backend.RateLimit(ctx, w.ref, d)
}

// quietGate is open while a worker has nothing under way. Its zero value is open.
type quietGate struct {
	mu   sync.Mutex
	busy chan struct{} // guarded by mu; closed when the gate opens, nil while it is open
}

func (g *quietGate) set(quiet bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case quiet && g.busy != nil:
		close(g.busy)
		g.busy = nil
	case !quiet && g.busy == nil:
		g.busy = make(chan struct{})
	}
}

func (g *quietGate) wait() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy != nil {
		return g.busy
	}
	open := make(chan struct{})
	close(open)
	return open
}
