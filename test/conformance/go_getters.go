package conformance

import (
	"context"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var goGetters = map[string]goOperation{
	"counts": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return q.Counts(ctx) }),
	"count": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		counts, err := q.Counts(ctx)
		return counts[bullmq.StateWaiting] + counts[bullmq.StateDelayed] +
			counts[bullmq.StatePrioritized] + counts[bullmq.StateWaitingChildren], err
	}),
	"countsPerPriority": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ Priorities []int }) (any, error) {
		return q.CountsPerPriority(ctx, a.Priorities)
	}),
	"delayedCount": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ Before *int64 }) (any, error) {
		if a.Before == nil {
			counts, err := q.Counts(ctx)
			return counts[bullmq.StateDelayed], err
		}
		return q.DelayedCount(ctx, time.UnixMilli(*a.Before))
	}),
	"jobs": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct {
		State      bullmq.JobState
		Start, End *int64
		Asc        bool
	},
	) (any, error) {
		start, end := rangeOf(a.Start, a.End)
		// Node's ascending order is that in which jobs run, or finished.
		newestFirst := a.State == bullmq.StateCompleted || a.State == bullmq.StateFailed
		jobs, err := q.Jobs(ctx, bullmq.JobsQuery{State: a.State, Start: start, End: end, Reverse: a.Asc == newestFirst})
		return viewJobs(jobs), err
	}),
	"meta": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		meta, err := q.Meta(ctx)
		return viewMeta(meta), err
	}),
	"metrics": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct {
		State      bullmq.JobState
		Start, End *int64
	},
	) (any, error) {
		start, end := rangeOf(a.Start, a.End)
		m, err := q.Metrics(ctx, a.State, start, end)
		if err != nil {
			return nil, err
		}
		return map[string]any{
			"meta": map[string]any{"count": m.Count, "prevTS": epochMS(m.PrevTime), "prevCount": m.PrevCount},
			"data": append([]int64{}, m.Points...), "count": m.Total,
		}, nil
	}),
}

func viewMeta(meta bullmq.QueueMeta) map[string]any {
	view := map[string]any{"paused": meta.Paused}
	for name, n := range map[string]int64{
		"concurrency": int64(meta.Concurrency), "max": int64(meta.RateLimitMax), "duration": meta.RateLimitDuration.Milliseconds(),
	} {
		if n > 0 {
			view[name] = n
		}
	}
	return view
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
