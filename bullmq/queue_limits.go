package bullmq

import (
	"context"
	"time"
)

// SetGlobalConcurrency lets at most n jobs of the queue run at once, over all
// workers.
func (q *Queue) SetGlobalConcurrency(ctx context.Context, n int) error {
	if n < 1 {
		return invalid("concurrency", "concurrency must be at least 1")
	}
	return q.backend.SetGlobalConcurrency(ctx, q.ref, n)
}

// RemoveGlobalConcurrency lifts the limit of [Queue.SetGlobalConcurrency].
func (q *Queue) RemoveGlobalConcurrency(ctx context.Context) error {
	return q.backend.RemoveGlobalConcurrency(ctx, q.ref)
}

// IsMaxed reports whether as many jobs run as the queue's own concurrency allows.
func (q *Queue) IsMaxed(ctx context.Context) (bool, error) {
	meta, err := q.Meta(ctx)
	if err != nil || meta.Concurrency == 0 {
		return false, err
	}
	counts, err := q.Counts(ctx)
	return counts[StateActive] >= int64(meta.Concurrency), err
}

// SetGlobalRateLimit lets at most limit.Max jobs of the queue start within
// limit.Duration, over all workers.
func (q *Queue) SetGlobalRateLimit(ctx context.Context, limit RateLimit) error {
	if err := limit.validate("rateLimit"); err != nil {
		return err
	}
	return q.backend.SetGlobalRateLimit(ctx, q.ref, limit)
}

// RemoveGlobalRateLimit lifts the limit of [Queue.SetGlobalRateLimit].
func (q *Queue) RemoveGlobalRateLimit(ctx context.Context) error {
	return q.backend.RemoveGlobalRateLimit(ctx, q.ref)
}

// RateLimit stops workers from taking jobs for d. Only workers that have a rate
// limit, their own or the queue's, look at it (wire facts §3.8).
func (q *Queue) RateLimit(ctx context.Context, d time.Duration) error {
	return q.backend.RateLimit(ctx, q.ref, d)
}

// RemoveRateLimit lets rate limited workers take jobs again at once, and begins
// their count anew.
func (q *Queue) RemoveRateLimit(ctx context.Context) error {
	return q.backend.RemoveRateLimit(ctx, q.ref)
}

// RateLimitTTL returns for how long the queue is rate limited, 0 if it is not. It
// counts as limited once maxJobs have started, or with 0 as many as the queue's
// own limit says.
func (q *Queue) RateLimitTTL(ctx context.Context, maxJobs int) (time.Duration, error) {
	return q.backend.RateLimitTTL(ctx, q.ref, maxJobs)
}
