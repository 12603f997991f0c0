package bullmq

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// ErrNotHeld says that the job was not taken from its queue by a worker, and so
// is not this program's to move.
var ErrNotHeld = errors.New("job is not held by a worker")

// hold is a worker's claim on a job that it has taken.
type hold struct {
	worker *Worker
	token  string
	// ended says that the job has been moved on, so that what its processor
	// returns means nothing any more.
	ended atomic.Bool
}

// Token returns the token of the lock that a worker holds on the job. Empty if
// none does.
func (j *Job) Token() string {
	if j.held == nil {
		return ""
	}
	return j.held.token
}

// MoveToCompleted ends a job that was taken with [Worker.NextJob]. The result is
// any value that JSON can hold.
func (j *Job) MoveToCompleted(ctx context.Context, result any) error {
	if j.held == nil {
		return fmt.Errorf("complete job %s: %w", j.ID, ErrNotHeld)
	}
	out, err := j.held.worker.completion(j, result)
	if err != nil {
		return err
	}
	return j.move(ctx, out)
}

// MoveToFailed ends the attempt of a job that was taken with [Worker.NextJob]. If
// it has attempts left, it goes back to wait or to delayed; final says that it
// has not.
func (j *Job) MoveToFailed(ctx context.Context, failure error) (final bool, err error) {
	if j.held == nil {
		return false, fmt.Errorf("fail job %s: %w", j.ID, ErrNotHeld)
	}
	out := j.held.worker.failure(ctx, j, failure)
	return out.Kind == OutcomeFailed, j.move(ctx, out)
}

// MoveToDelayed puts a job that is being processed back to delayed until a time,
// without using up an attempt. The processor's result is ignored then.
func (j *Job) MoveToDelayed(ctx context.Context, at time.Time) error {
	if j.held == nil {
		return fmt.Errorf("delay job %s: %w", j.ID, ErrNotHeld)
	}
	delay := max(at.Sub(j.held.worker.opts.Now()), 0)
	return j.move(ctx, Outcome{Kind: OutcomeDelayed, Delay: delay})
}

// MoveToWait puts a job that is being processed back to the front of those that
// wait, without using up an attempt. The processor's result is ignored then.
func (j *Job) MoveToWait(ctx context.Context) error {
	return j.move(ctx, Outcome{Kind: OutcomeReleased})
}

// MoveToWaitingChildren lets a job that is being processed wait for its children
// and returns true; the processor should return then, and runs again when they
// have finished. With no unfinished children it returns false and the job goes
// on. A child that failed and is to fail its parent makes it [ErrFailedChildren].
func (j *Job) MoveToWaitingChildren(ctx context.Context) (waits bool, err error) {
	err = j.move(ctx, Outcome{Kind: OutcomeWaitingChildren})
	if errors.Is(err, ErrNoPendingChildren) {
		return false, nil
	}
	return err == nil, err
}

// ExtendLock renews the lock of a job that is held, for d from now. It returns
// [ErrLockMissing] if the lock has been lost.
func (j *Job) ExtendLock(ctx context.Context, d time.Duration) error {
	if j.held == nil {
		return fmt.Errorf("extend the lock of job %s: %w", j.ID, ErrNotHeld)
	}
	lost, err := j.backend.ExtendLocks(ctx, j.Queue, []JobLock{{ID: j.ID, Token: j.held.token}}, d)
	if err == nil && len(lost) > 0 {
		err = fmt.Errorf("extend the lock of job %s: %w", j.ID, ErrLockMissing)
	}
	return err
}

// move reports an outcome outside of the worker's loop.
func (j *Job) move(ctx context.Context, out Outcome) error {
	if j.held == nil {
		return fmt.Errorf("move job %s: %w", j.ID, ErrNotHeld)
	}
	w := j.held.worker
	out.ID, out.Token = j.ID, j.held.token
	reply, err := j.backend.FinishAndFetch(ctx, j.Queue, w.request([]Outcome{out}, 0))
	if err != nil {
		return err
	}
	if err := reply.Errors[0]; err != nil {
		return err
	}
	j.held.ended.Store(true)
	w.running.remove(j.ID)
	return nil
}
