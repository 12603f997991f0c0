package bullmq

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Metrics implements [Backend].
func (r *Redis) Metrics(ctx context.Context, q QueueRef, state JobState, start, end int64) (*Metrics, error) {
	if state != StateCompleted && state != StateFailed {
		return nil, invalid("state", "metrics are of completed and failed jobs, not %q", state)
	}
	key := q.key("metrics:" + string(state))
	replies := r.client.DoMulti(ctx,
		r.client.B().Hgetall().Key(key).Build(),
		r.client.B().Lrange().Key(key+":data").Start(start).Stop(end).Build(),
		r.client.B().Llen().Key(key+":data").Build())
	fields, err := replies[0].AsStrMap()
	if err != nil {
		return nil, fmt.Errorf("metrics of queue %s: %w", q.Name, err)
	}
	points, err := replies[1].AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("metrics of queue %s: %w", q.Name, err)
	}
	m := &Metrics{Points: make([]int64, len(points))}
	if m.Total, err = replies[2].AsInt64(); err != nil {
		return nil, fmt.Errorf("metrics of queue %s: %w", q.Name, err)
	}
	for i, p := range points {
		m.Points[i], _ = strconv.ParseInt(p, 10, 64) // A damaged point counts as none.
	}
	m.Count, _ = strconv.ParseInt(fields["count"], 10, 64)
	m.PrevCount, _ = strconv.ParseInt(fields["prevCount"], 10, 64)
	if at, err := parseMillis(fields["prevTS"]); err == nil {
		m.PrevTime = at
	}
	return m, nil
}

// CountsPerPriority implements [Backend].
func (r *Redis) CountsPerPriority(ctx context.Context, q QueueRef, priorities []int) ([]int64, error) {
	counts := make([]int64, len(priorities))
	for i, p := range priorities {
		var err error
		if p == 0 {
			counts[i], err = r.client.Do(ctx, r.client.B().Llen().Key(q.key("wait")).Build()).AsInt64()
		} else {
			low, high := int64(p)<<32, int64(p+1)<<32-1
			counts[i], err = r.client.Do(ctx,
				r.client.B().Zcount().Key(q.key("prioritized")).Min(formatInt(low)).Max(formatInt(high)).Build()).AsInt64()
		}
		if err != nil {
			return nil, fmt.Errorf("count jobs by priority of queue %s: %w", q.Name, err)
		}
	}
	return counts, nil
}

// DelayedCount implements [Backend].
func (r *Redis) DelayedCount(ctx context.Context, q QueueRef, before time.Time) (int64, error) {
	n, err := r.client.Do(ctx, r.client.B().Zcount().Key(q.key("delayed")).
		Min("0").Max("("+formatInt(before.UnixMilli()*4096)).Build()).AsInt64()
	if err != nil {
		return 0, fmt.Errorf("count delayed jobs of queue %s: %w", q.Name, err)
	}
	return n, nil
}
