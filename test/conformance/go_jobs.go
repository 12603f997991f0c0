package conformance

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var goJobs = map[string]goOperation{
	"job": onJobOrNull(func(_ context.Context, job *bullmq.Job) (any, error) { return viewJob(job), nil }),
	"state": with(func(ctx context.Context, s *goStep, a struct{ ID string }) (any, error) {
		return s.redis.JobState(ctx, s.ref(), a.ID)
	}),
	"updateData": onJob(func(ctx context.Context, job *bullmq.Job, a struct{ Data json.RawMessage }) (any, error) {
		return nil, job.UpdateData(ctx, a.Data)
	}),
	"updateProgress": onJob(func(ctx context.Context, job *bullmq.Job, a struct{ Progress json.RawMessage }) (any, error) {
		return nil, job.UpdateProgress(ctx, a.Progress)
	}),
	"log": onJob(func(ctx context.Context, job *bullmq.Job, a struct{ Line string }) (any, error) {
		if err := job.Log(ctx, a.Line); err != nil {
			return nil, err
		}
		_, count, err := job.Logs(ctx, 0, -1)
		return count, err
	}),
	"logs": with(func(ctx context.Context, s *goStep, a struct {
		ID         string
		Start, End *int64
	},
	) (any, error) {
		start, end := rangeOf(a.Start, a.End)
		lines, count, err := s.redis.JobLogs(ctx, s.ref(), a.ID, start, end)
		return map[string]any{"logs": append([]string{}, lines...), "count": count}, err
	}),
	"retry": with(func(ctx context.Context, s *goStep, a struct {
		ID    string
		State bullmq.JobState
	},
	) (any, error) {
		return nil, s.redis.RetryFinished(ctx, s.ref(), a.ID, a.State)
	}),
	"promote": with(func(ctx context.Context, s *goStep, a struct{ ID string }) (any, error) {
		return nil, s.redis.Promote(ctx, s.ref(), a.ID)
	}),
	"changeDelay": onJob(func(ctx context.Context, job *bullmq.Job, a struct{ Delay ms }) (any, error) {
		return nil, job.ChangeDelay(ctx, a.Delay.duration())
	}),
	"changePriority": onJob(func(ctx context.Context, job *bullmq.Job, a struct {
		Priority int
		LIFO     bool
	},
	) (any, error) {
		return nil, job.ChangePriority(ctx, a.Priority, a.LIFO)
	}),
	"remove": onJob(func(ctx context.Context, job *bullmq.Job, _ none) (any, error) { return nil, job.Remove(ctx) }),
	"childrenValues": onJob(func(ctx context.Context, job *bullmq.Job, _ none) (any, error) {
		values, err := job.ChildrenValues(ctx)
		if values == nil {
			values = map[string]json.RawMessage{}
		}
		return values, err
	}),
	"dependencies": with(func(ctx context.Context, s *goStep, a struct{ ID string }) (any, error) {
		deps, err := s.redis.Dependencies(ctx, s.ref(), a.ID)
		if err != nil {
			return nil, err
		}
		return map[string]any{
			"processed": deps.Processed, "unprocessed": deps.Unprocessed, "ignored": deps.Ignored, "failed": deps.Failed,
		}, nil
	}),
}

// onJobOrNull is onJob for a getter that answers nothing for a missing job.
func onJobOrNull(f func(context.Context, *bullmq.Job) (any, error)) goOperation {
	return func(ctx context.Context, s *goStep) (any, error) {
		job, err := s.job(ctx)
		if errors.Is(err, bullmq.ErrJobNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return f(ctx, job)
	}
}

// rangeOf is the range of a listing, all of it by default.
func rangeOf(start, end *int64) (int64, int64) {
	from, to := int64(0), int64(-1)
	if start != nil {
		from = *start
	}
	if end != nil {
		to = *end
	}
	return from, to
}
