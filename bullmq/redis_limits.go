package bullmq

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/rueidis"
)

// SetGlobalConcurrency implements [Backend].
func (r *Redis) SetGlobalConcurrency(ctx context.Context, q QueueRef, n int) error {
	return r.setMeta(ctx, q, "concurrency", formatInt(n))
}

// RemoveGlobalConcurrency implements [Backend].
func (r *Redis) RemoveGlobalConcurrency(ctx context.Context, q QueueRef) error {
	return r.removeMeta(ctx, q, "concurrency")
}

// SetGlobalRateLimit implements [Backend].
func (r *Redis) SetGlobalRateLimit(ctx context.Context, q QueueRef, limit RateLimit) error {
	return r.setMeta(ctx, q, "max", formatInt(limit.Max), "duration", formatDuration(limit.Duration))
}

// RemoveGlobalRateLimit implements [Backend].
func (r *Redis) RemoveGlobalRateLimit(ctx context.Context, q QueueRef) error {
	return r.removeMeta(ctx, q, "max", "duration")
}

func (r *Redis) setMeta(ctx context.Context, q QueueRef, pairs ...string) error {
	command := r.client.B().Hset().Key(q.key("meta")).FieldValue()
	for pair := range slices.Chunk(pairs, 2) {
		command = command.FieldValue(pair[0], pair[1])
	}
	if err := r.client.Do(ctx, command.Build()).Error(); err != nil {
		return fmt.Errorf("change metadata of queue %s: %w", q.Name, err)
	}
	return nil
}

func (r *Redis) removeMeta(ctx context.Context, q QueueRef, fields ...string) error {
	if err := r.client.Do(ctx, r.client.B().Hdel().Key(q.key("meta")).Field(fields...).Build()).Error(); err != nil {
		return fmt.Errorf("change metadata of queue %s: %w", q.Name, err)
	}
	return nil
}

// RateLimit implements [Backend]. The counter is set beyond any limit until it
// expires.
func (r *Redis) RateLimit(ctx context.Context, q QueueRef, d time.Duration) error {
	command := r.client.B().Set().Key(q.key("limiter")).Value(formatInt(unlimited)).PxMilliseconds(max(d.Milliseconds(), 1))
	if err := r.client.Do(ctx, command.Build()).Error(); err != nil {
		return fmt.Errorf("rate limit queue %s: %w", q.Name, err)
	}
	return nil
}

// RemoveRateLimit implements [Backend].
func (r *Redis) RemoveRateLimit(ctx context.Context, q QueueRef) error {
	if err := r.client.Do(ctx, r.client.B().Del().Key(q.key("limiter")).Build()).Error(); err != nil {
		return fmt.Errorf("remove the rate limit of queue %s: %w", q.Name, err)
	}
	return nil
}

// RateLimitTTL implements [Backend].
func (r *Redis) RateLimitTTL(ctx context.Context, q QueueRef, maxJobs int) (time.Duration, error) {
	replies := r.client.DoMulti(ctx,
		r.client.B().Get().Key(q.key("limiter")).Build(),
		r.client.B().Pttl().Key(q.key("limiter")).Build(),
		r.client.B().Hget().Key(q.key("meta")).Field("max").Build())
	used, err := replies[0].AsInt64()
	if rueidis.IsRedisNil(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("rate limit of queue %s: %w", q.Name, err)
	}
	ttl, err := replies[1].AsInt64()
	if err != nil {
		return 0, fmt.Errorf("rate limit of queue %s: %w", q.Name, err)
	}
	limit := int64(maxJobs)
	if limit == 0 {
		if limit, err = replies[2].AsInt64(); err != nil && !rueidis.IsRedisNil(err) {
			return 0, fmt.Errorf("rate limit of queue %s: %w", q.Name, err)
		}
	}
	if used < limit {
		return 0, nil
	}
	return time.Duration(max(ttl, 0)) * time.Millisecond, nil
}
