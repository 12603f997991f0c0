package conformance

import (
	"context"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var goQueues = map[string]goOperation{
	"pause":    onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return nil, q.Pause(ctx) }),
	"resume":   onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return nil, q.Resume(ctx) }),
	"isPaused": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return q.IsPaused(ctx) }),
}

var goGetters = map[string]goOperation{
	"counts": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return q.Counts(ctx) }),
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
}
