package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/turn"
)

// TimeoutError says that an attempt took longer than its handler allows.
type TimeoutError struct {
	// Limit is how long it was allowed to take.
	Limit time.Duration
}

func (e *TimeoutError) Error() string { return fmt.Sprintf("timed out after %s", e.Limit) }

// process is the [bullmq.Processor] of the queue.
func (q *served) process(ctx context.Context, job *bullmq.Job) (any, error) {
	if refused := q.refusal(job.Name); refused != nil {
		return nil, q.putBack(ctx, job, refused)
	}
	ticket, err := q.await(ctx, job)
	if err != nil {
		return nil, err
	}
	defer ticket.Leave()
	// A held job may come back to a queue that runs as many as it may.
	if err := q.seats.Take(ctx); err != nil {
		return nil, err
	}
	defer q.seats.Leave()
	// Only now, so that a job which has waited gets the version of this moment.
	lease, ok := q.super.registry.Acquire(job.Name)
	if !ok {
		return nil, q.putBack(ctx, job, &UnknownHandlerError{job.Name})
	}
	defer lease.Release()
	return q.attempt(ctx, job, lease)
}

// await waits for the job's turn to run on its handler. If that will take
// longer, or the worker stops, the error says where the job goes.
func (q *served) await(ctx context.Context, job *bullmq.Job) (*turn.Ticket, error) {
	limit := q.super.limitOf(job.Name)
	ticket, later := q.super.turns.Join(job.Name, q.line, limit, q.holds() < maxHeld)
	if ticket == nil {
		return nil, bullmq.DelayJob(later)
	}
	if ticket.Granted() {
		return ticket, nil
	}
	q.hold(1)
	defer q.hold(-1)
	select {
	case <-ticket.Ready():
		return ticket, nil
	case <-ctx.Done():
		ticket.Leave()
		return nil, ctx.Err()
	case <-q.stopping:
		ticket.Leave()
		return nil, bullmq.ReleaseJob()
	}
}

// attempt runs the job once.
func (q *served) attempt(ctx context.Context, job *bullmq.Job, lease *registry.Lease) (any, error) {
	var timeout *TimeoutError
	if limit := q.super.timeout(&lease.Handler); limit > 0 {
		timeout = &TimeoutError{limit}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, timeout)
		defer cancel()
	}
	a := q.attempts.begin(ctx, job)
	// What the handler reported is stored before the job's end is.
	defer a.finish()
	result, err := lease.Run(a)
	switch {
	case err == nil:
		return result, nil
	case q.super.forced.Load():
		return nil, bullmq.ReleaseJob() // it was cut off, which is no fault of its own
	case timeout != nil && errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), timeout):
		return nil, timeout // the handler has passed on the context's error, which says less
	default:
		return nil, err
	}
}
