package conformance

import (
	"context"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var goQueues = merge(goGates, goLimits, goBulk, map[string]goOperation{
	"trimEvents": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ Max int64 }) (any, error) {
		return q.TrimEvents(ctx, a.Max)
	}),
	"publishEvent": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct {
		Event  string
		Fields map[string]string
	},
	) (any, error) {
		_, err := q.PublishEvent(ctx, a.Event, a.Fields)
		return nil, err
	}),
	"deduplicationJobID": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ ID string }) (any, error) {
		id, err := q.DeduplicationJobID(ctx, a.ID)
		if id == "" {
			return nil, err
		}
		return id, err
	}),
	"removeDeduplicationKey": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ ID string }) (any, error) {
		return asCount(q.RemoveDeduplicationKey(ctx, a.ID))
	}),
})

// asCount is 1 for what happened and 0 for what did not.
func asCount(done bool, err error) (any, error) {
	if done {
		return 1, err
	}
	return 0, err
}

var goGates = map[string]goOperation{
	"pause":    onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return nil, q.Pause(ctx) }),
	"resume":   onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return nil, q.Resume(ctx) }),
	"isPaused": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return q.IsPaused(ctx) }),
	"isMaxed":  onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return q.IsMaxed(ctx) }),
}

type limitArgs struct {
	Max         int
	Duration    ms
	Concurrency int
}

var goLimits = map[string]goOperation{
	"setGlobalConcurrency": onQueue(func(ctx context.Context, q *bullmq.Queue, a limitArgs) (any, error) {
		return nil, q.SetGlobalConcurrency(ctx, a.Concurrency)
	}),
	"removeGlobalConcurrency": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		return nil, q.RemoveGlobalConcurrency(ctx)
	}),
	"globalConcurrency": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		meta, err := q.Meta(ctx)
		if meta.Concurrency == 0 {
			return nil, err
		}
		return meta.Concurrency, err
	}),
	"setGlobalRateLimit": onQueue(func(ctx context.Context, q *bullmq.Queue, a limitArgs) (any, error) {
		return nil, q.SetGlobalRateLimit(ctx, bullmq.RateLimit{Max: a.Max, Duration: a.Duration.duration()})
	}),
	"removeGlobalRateLimit": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		return nil, q.RemoveGlobalRateLimit(ctx)
	}),
	"globalRateLimit": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		meta, err := q.Meta(ctx)
		if meta.RateLimitMax == 0 {
			return nil, err
		}
		return map[string]any{"max": meta.RateLimitMax, "duration": meta.RateLimitDuration.Milliseconds()}, err
	}),
	"rateLimit": onQueue(func(ctx context.Context, q *bullmq.Queue, a limitArgs) (any, error) {
		return nil, q.RateLimit(ctx, a.Duration.duration())
	}),
	"removeRateLimit": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		return nil, q.RemoveRateLimit(ctx)
	}),
	"rateLimitTTL": onQueue(func(ctx context.Context, q *bullmq.Queue, a limitArgs) (any, error) {
		ttl, err := q.RateLimitTTL(ctx, a.Max)
		return ttl.Milliseconds(), err
	}),
}

var goBulk = map[string]goOperation{
	"drain": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ Delayed bool }) (any, error) {
		return nil, q.Drain(ctx, a.Delayed)
	}),
	"clean": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct {
		State bullmq.JobState
		Grace ms
		Limit int
	},
	) (any, error) {
		if a.State == "wait" || a.State == "paused" {
			a.State = bullmq.StateWaiting
		}
		ids, err := q.Clean(ctx, bullmq.CleanOptions{State: a.State, Grace: a.Grace.duration(), Limit: a.Limit})
		return append([]string{}, ids...), err
	}),
	"obliterate": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ Force bool }) (any, error) {
		return nil, q.Obliterate(ctx, a.Force)
	}),
	"removeOrphanedJobs": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		return q.RemoveOrphanedJobs(ctx)
	}),
	"retryJobs": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct {
		State  bullmq.JobState
		Before *int64
	},
	) (any, error) {
		opts := bullmq.RetryJobsOptions{State: a.State}
		if a.Before != nil {
			opts.Before = time.UnixMilli(*a.Before)
		}
		_, err := q.RetryJobs(ctx, opts)
		return nil, err
	}),
	"promoteJobs": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		_, err := q.PromoteJobs(ctx)
		return nil, err
	}),
}
