package worker

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// UnknownHandlerError says that no handler answers a job's name.
type UnknownHandlerError struct{ Name string }

func (e *UnknownHandlerError) Error() string {
	return fmt.Sprintf("this worker has no handler named %q", e.Name)
}

// NotAllowedError says that a queue is not meant for the handler of a job's name.
type NotAllowedError struct{ Name, Queue string }

func (e *NotAllowedError) Error() string {
	return fmt.Sprintf("this worker does not run the handler %q on the queue %q", e.Name, e.Queue)
}

// DisabledHandlerError says that the handler of a job's name is disabled.
type DisabledHandlerError struct{ Name string }

func (e *DisabledHandlerError) Error() string {
	return fmt.Sprintf("the handler %q is disabled in this worker", e.Name)
}

// refusal says why jobs of that name do not run on the queue, nil if they do.
func (q *served) refusal(name string) error {
	if !q.settings.Load().allows(name) {
		return &NotAllowedError{Name: name, Queue: q.key.name}
	}
	if q.super.registry.Lookup(name) == nil {
		return &UnknownHandlerError{name}
	}
	if q.super.settings.Load().handler(name).Disabled {
		return &DisabledHandlerError{name}
	}
	return nil
}

// putBack says what becomes of a job that is refused. It goes back, as the
// handler may be on its way, and its log says so once. It comes again when the
// reason is gone, or after a while, which is short if another worker runs it.
func (q *served) putBack(ctx context.Context, job *bullmq.Job, refused error) error {
	s := q.super
	settings := s.settings.Load()
	if _, disabled := refused.(*DisabledHandlerError); settings.Unknown == UnknownFail && !disabled { //nolint:errorlint // made by refusal
		return bullmq.Unrecoverable(refused)
	}
	if s.peers.run(ctx, q.key, job.Name) {
		return bullmq.DelayJob(peerRetry + rand.N(peerRetry)) //nolint:gosec // spreads load, hides nothing
	}
	line := fmt.Sprintf("%v; the job waits until that changes", refused)
	last, _, err := job.Logs(ctx, -1, -1)
	if err == nil && (len(last) == 0 || last[0] != line) {
		err = job.Log(ctx, line)
		s.opts.Logger.WarnContext(ctx, "job is put back", slog.String("handler", job.Name), slog.String("queue", job.Queue.Name),
			slog.String("job", job.ID), slog.Any("reason", refused))
	}
	if err != nil {
		s.opts.Logger.WarnContext(ctx, "job's log could not be written", slog.String("job", job.ID), slog.Any("error", err))
	}
	s.parked.add(q.key, job)
	again := settings.UnknownRetry << min(max(job.AttemptsStarted-job.AttemptsMade-1, 0), 2)
	return bullmq.DelayJob(again - rand.N(again/8+1)) //nolint:gosec // spreads load, hides nothing
}
