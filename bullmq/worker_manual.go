package bullmq

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"
)

// ErrNoJob says that there is no job to take: none waits, or the queue is paused,
// at its own concurrency, or rate limited.
var ErrNoJob = errors.New("no job to take")

// NextJobOptions are the choices of [Worker.NextJob]; nil or the zero value is fine.
type NextJobOptions struct {
	// Token names the job's lock. Defaults to a new one. "0" takes the job without
	// a lock, so that it counts as stalled with the second next check.
	Token string
	// Block waits for a job until the context ends.
	Block bool
}

// NextJob takes a job by hand, for a program with a loop of its own, or returns
// [ErrNoJob]. Whoever takes a job ends it with [Job.MoveToCompleted] or another
// of the Move methods, before its lock runs out ([Job.ExtendLock]).
func (w *Worker) NextJob(ctx context.Context, opts *NextJobOptions) (*Job, error) {
	if opts == nil {
		opts = &NextJobOptions{}
	}
	job, next, err := w.takeOne(ctx, opts.Token)
	if err == nil || !opts.Block || !errors.Is(err, ErrNoJob) {
		return job, err
	}
	waiter := w.backend.NewWaiter(w.ref, w.opts.Name)
	defer waiter.Close()
	for {
		timeout := w.opts.DrainDelay
		if !next.IsZero() {
			timeout = w.untilDue(next)
		}
		next, err = waiter.Wait(ctx, timeout)
		if err != nil {
			return nil, cmp.Or(ctx.Err(), err)
		}
		if next.IsZero() {
			if job, next, err = w.takeOne(ctx, opts.Token); !errors.Is(err, ErrNoJob) {
				return job, err
			}
		}
	}
}

// takeOne fetches a job, or tells when the next delayed one becomes due.
func (w *Worker) takeOne(ctx context.Context, token string) (*Job, time.Time, error) {
	req := w.request(nil, 1)
	req.Token = cmp.Or(token, req.Token)
	reply, err := w.backend.FinishAndFetch(ctx, w.ref, req)
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(reply.Jobs) == 0 {
		next := reply.NextDelayed
		if reply.RateLimited > 0 {
			next = w.opts.Now().Add(reply.RateLimited)
		}
		return nil, next, ErrNoJob
	}
	job := reply.Jobs[0]
	job.checkData()
	job.held = &hold{worker: w, token: req.Token}
	if job.RepeatJobKey != "" {
		w.planNextRun(ctx, job)
	}
	return job, time.Time{}, nil
}

// request is what every call of this worker says.
func (w *Worker) request(outcomes []Outcome, fetch int) WorkRequest {
	req := WorkRequest{
		Outcomes: outcomes, Fetch: fetch, LockDuration: w.opts.LockDuration, WorkerName: w.opts.Name,
		MetricsPoints: w.opts.MetricsPoints,
	}
	if fetch > 0 {
		req.Token = w.token()
	}
	if w.opts.Limiter != nil {
		req.Limiter = *w.opts.Limiter
	}
	return req
}

// token names the locks of one fetch, unique over all workers.
func (w *Worker) token() string {
	return w.id + ":" + strconv.FormatInt(w.tokens.Add(1)-1, 10)
}

// untilDue is how long to wait for a delayed job.
func (w *Worker) untilDue(at time.Time) time.Duration {
	return min(max(at.Sub(w.opts.Now()), time.Millisecond), maxWait)
}

// RecoverStalled gives active jobs whose locks have run out back to the queue and
// returns their ids. A running worker does it by itself. A job must have been
// active in the check before as well, and nothing happens if any worker of the
// queue has checked within the StalledInterval.
func (w *Worker) RecoverStalled(ctx context.Context) ([]string, error) {
	return w.backend.RecoverStalled(ctx, w.ref, max(w.opts.MaxStalledCount, 0), w.opts.StalledInterval)
}
