package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
)

// TimeoutError says that an attempt took longer than its handler allows.
type TimeoutError struct {
	// Limit is how long it was allowed to take.
	Limit time.Duration
}

func (e *TimeoutError) Error() string { return fmt.Sprintf("timed out after %s", e.Limit) }

// UnknownHandlerError says that no handler answers a job's name.
type UnknownHandlerError struct{ Name string }

func (e *UnknownHandlerError) Error() string {
	return fmt.Sprintf("this worker has no handler named %q", e.Name)
}

// processor runs the jobs of one queue with the handlers of that name.
func (s *Supervisor) processor(q *served) bullmq.Processor {
	return func(ctx context.Context, job *bullmq.Job) (any, error) {
		q.running.Add(1)
		defer q.running.Add(-1)
		lease, ok := s.registry.Acquire(job.Name)
		if !ok {
			return nil, s.unknownHandler(ctx, job)
		}
		defer lease.Release()
		return s.attempt(ctx, job, lease)
	}
}

func (s *Supervisor) attempt(ctx context.Context, job *bullmq.Job, lease *registry.Lease) (any, error) {
	var timeout *TimeoutError
	if limit := lease.Timeout(); limit > 0 || s.opts.Timeout > 0 {
		if limit == 0 {
			limit = s.opts.Timeout
		}
		timeout = &TimeoutError{limit}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, timeout)
		defer cancel()
	}
	a := s.attempts.begin(ctx, job)
	// What the handler reported is stored before the job's end is.
	defer a.finish()
	result, err := lease.Run(a)
	if err == nil {
		return result, nil
	}
	if timeout != nil && errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), timeout) {
		err = timeout // the handler has passed on the context's error, which says less
	}
	return nil, err
}

// unknownHandler says what becomes of a job that no handler answers. It goes
// back, as the handler may be on its way, and its log says so once.
func (s *Supervisor) unknownHandler(ctx context.Context, job *bullmq.Job) error {
	unknown := &UnknownHandlerError{job.Name}
	if s.opts.Unknown == UnknownFail {
		return bullmq.Unrecoverable(unknown)
	}
	line := fmt.Sprintf("%v; the job waits until one is added", unknown)
	last, _, err := job.Logs(ctx, -1, -1)
	if err == nil && (len(last) == 0 || last[0] != line) {
		err = job.Log(ctx, line)
		s.opts.Logger.WarnContext(ctx, "no handler for job", slog.String("handler", job.Name),
			slog.String("queue", job.Queue.Name), slog.String("job", job.ID))
	}
	if err != nil {
		s.opts.Logger.WarnContext(ctx, "job's log could not be written", slog.String("job", job.ID), slog.Any("error", err))
	}
	return bullmq.DelayJob(s.opts.UnknownRetry)
}
