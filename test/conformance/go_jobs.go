package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// idArgs names a job.
type idArgs struct{ ID string }

var goJobs = merge(goJobReads, goFamily, map[string]goOperation{
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
	"clearLogs": onJob(func(ctx context.Context, job *bullmq.Job, a struct{ Keep int }) (any, error) {
		return nil, job.ClearLogs(ctx, a.Keep)
	}),
	"retry": with(func(ctx context.Context, s *goStep, a struct {
		ID      string
		State   bullmq.JobState
		Options bullmq.RetryOptions
	},
	) (any, error) {
		job, err := s.job(ctx)
		if err == nil {
			a.Options.LIFO = job.Opts.LIFO
		}
		return nil, s.redis.RetryFinished(ctx, s.ref(), a.ID, a.State, a.Options)
	}),
	"promote": with(func(ctx context.Context, s *goStep, a idArgs) (any, error) {
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
	"remove": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct {
		ID             string
		RemoveChildren *bool
	},
	) (any, error) {
		keep := a.RemoveChildren != nil && !*a.RemoveChildren
		return nil, q.Remove(ctx, a.ID, &bullmq.RemoveOptions{KeepChildren: keep})
	}),
	"removeJobDeduplicationKey": onJob(func(ctx context.Context, job *bullmq.Job, _ none) (any, error) {
		return job.RemoveDeduplicationKey(ctx)
	}),
})

var goJobReads = map[string]goOperation{
	"job": func(ctx context.Context, s *goStep) (any, error) {
		job, err := s.job(ctx)
		if errors.Is(err, bullmq.ErrJobNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return viewJob(job), nil
	},
	"state": with(func(ctx context.Context, s *goStep, a idArgs) (any, error) {
		return s.redis.JobState(ctx, s.ref(), a.ID)
	}),
	"logs": with(func(ctx context.Context, s *goStep, a struct {
		ID         string
		Start, End *int64
		Asc        *bool
	},
	) (any, error) {
		start, end := rangeOf(a.Start, a.End)
		descending := a.Asc != nil && !*a.Asc
		if descending {
			start, end = -end-1, -start-1
		}
		lines, count, err := s.redis.JobLogs(ctx, s.ref(), a.ID, start, end)
		if descending {
			slices.Reverse(lines)
		}
		return map[string]any{"logs": append([]string{}, lines...), "count": count}, err
	}),
}

// goFamily are the operations on parents and children.
var goFamily = map[string]goOperation{
	"removeChildDependency": onJob(func(ctx context.Context, job *bullmq.Job, _ none) (any, error) {
		return job.RemoveChildDependency(ctx)
	}),
	"removeUnprocessedChildren": with(func(ctx context.Context, s *goStep, a idArgs) (any, error) {
		return nil, s.redis.RemoveUnprocessedChildren(ctx, s.ref(), a.ID)
	}),
	"childrenValues": with(func(ctx context.Context, s *goStep, a idArgs) (any, error) {
		values, err := s.redis.ChildrenValues(ctx, s.ref(), a.ID)
		if values == nil {
			values = map[string]json.RawMessage{}
		}
		return values, err
	}),
	"ignoredChildrenFailures": with(func(ctx context.Context, s *goStep, a idArgs) (any, error) {
		failures, err := s.redis.IgnoredFailures(ctx, s.ref(), a.ID)
		if failures == nil {
			failures = map[string]string{}
		}
		return failures, err
	}),
	"dependencies": with(func(ctx context.Context, s *goStep, a idArgs) (any, error) {
		deps, err := s.redis.Dependencies(ctx, s.ref(), a.ID, 0)
		if err != nil {
			return nil, err
		}
		return map[string]any{
			"processed": deps.Processed, "unprocessed": deps.Unprocessed, "ignored": deps.Ignored, "failed": deps.Failed,
		}, nil
	}),
	"dependenciesCount": with(func(ctx context.Context, s *goStep, a idArgs) (any, error) {
		n, err := s.redis.DependencyCounts(ctx, s.ref(), a.ID)
		return map[string]any{
			"processed": n.Processed, "unprocessed": n.Unprocessed, "ignored": n.Ignored, "failed": n.Failed,
		}, err
	}),
}
