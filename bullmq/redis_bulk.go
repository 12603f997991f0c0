package bullmq

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// A call of these operations deals with so many jobs that it holds the server for
// about two milliseconds.
const (
	moveChunk  = 200
	cleanChunk = 250
	// unlimited is a number of jobs, or of milliseconds, that nothing reaches.
	unlimited = 1<<53 - 1
)

// RetryJobs implements [Backend].
func (r *Redis) RetryJobs(ctx context.Context, q QueueRef, from JobState, before time.Time) (int64, error) {
	if from != StateCompleted && from != StateFailed {
		return 0, invalid("state", "only completed and failed jobs can be retried, not %q", from)
	}
	// Jobs that fail again meanwhile do so after the time and are left alone.
	return r.move(ctx, unlimited, func(n int64) (int64, error) {
		return r.run(ctx, retryJobsScript, q, string(from), formatMillis(before), formatInt(n)).AsInt64()
	}, "retry jobs of queue "+q.Name)
}

// PromoteJobs implements [Backend].
func (r *Redis) PromoteJobs(ctx context.Context, q QueueRef) (int64, error) {
	// Jobs that are delayed again as they run must not keep this going for ever.
	present, err := r.client.Do(ctx, r.client.B().Zcard().Key(q.key("delayed")).Build()).AsInt64()
	if err != nil {
		return 0, fmt.Errorf("promote jobs of queue %s: %w", q.Name, err)
	}
	return r.move(ctx, present, func(n int64) (int64, error) {
		return r.run(ctx, promoteJobsScript, q, formatInt(n)).AsInt64()
	}, "promote jobs of queue "+q.Name)
}

// move calls a script that moves up to n jobs until it has nothing left to do.
func (r *Redis) move(ctx context.Context, most int64, script func(n int64) (int64, error), operation string) (int64, error) {
	var moved int64
	for moved < most {
		want := min(moveChunk, most-moved)
		n, err := script(want)
		if err != nil {
			return moved, fmt.Errorf("%s: %w", operation, err)
		}
		moved += n
		if n < want {
			break
		}
		if err := ctx.Err(); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// Drain implements [Backend].
func (r *Redis) Drain(ctx context.Context, q QueueRef, delayed bool) error {
	states := []string{"wait", "paused", "prioritized"}
	if delayed {
		states = append(states, "delayed")
	}
	for _, state := range states {
		if _, err := r.clean(ctx, q, sweepRequest{state: state, before: unlimited, limit: unlimited, silent: true}); err != nil {
			return fmt.Errorf("drain queue %s: %w", q.Name, err)
		}
	}
	return nil
}

// Clean implements [Backend].
func (r *Redis) Clean(ctx context.Context, q QueueRef, state JobState, before time.Time, limit int) ([]string, error) {
	var keys []string
	for _, s := range stateKeys {
		if s.state == state && state != StateWaitingChildren {
			keys = append(keys, s.key)
		}
	}
	if len(keys) == 0 {
		return nil, invalid("state", "jobs in the state %q cannot be cleaned", state)
	}
	if limit == 0 {
		limit = unlimited
	}
	var ids []string
	for i, key := range keys {
		// The last of the keys announces the sum.
		req := sweepRequest{state: key, before: before.UnixMilli(), limit: limit - len(ids), counted: len(ids), silent: i+1 < len(keys)}
		gone, err := r.clean(ctx, q, req)
		ids = append(ids, gone...)
		if err != nil {
			return ids, fmt.Errorf("clean %s jobs of queue %s: %w", state, q.Name, err)
		}
	}
	return ids, nil
}

// sweepRequest is one pass over the jobs of one key.
type sweepRequest struct {
	state   string
	before  int64 // ms
	limit   int
	counted int // what earlier passes have deleted
	silent  bool
}

func (r *Redis) clean(ctx context.Context, q QueueRef, req sweepRequest) ([]string, error) {
	var ids []string
	for next := int64(0); next >= 0; {
		counted := ""
		if !req.silent {
			counted = formatInt(req.counted + len(ids))
		}
		reply, err := r.run(ctx, cleanJobsScript, q, req.state, formatInt(req.before), formatInt(next), formatInt(cleanChunk),
			formatInt(req.limit-len(ids)), counted).ToArray()
		if err != nil {
			return ids, err
		}
		gone, err := reply[0].AsStrSlice()
		if err != nil {
			return ids, err
		}
		ids = append(ids, gone...)
		if next, err = reply[1].AsInt64(); err != nil {
			return ids, err
		}
		if err := ctx.Err(); err != nil {
			return ids, err
		}
	}
	return ids, nil
}

// Obliterate implements [Backend].
func (r *Redis) Obliterate(ctx context.Context, q QueueRef, force bool) error {
	active, err := r.client.Do(ctx, r.client.B().Llen().Key(q.key("active")).Build()).AsInt64()
	if err != nil {
		return fmt.Errorf("obliterate queue %s: %w", q.Name, err)
	}
	if active > 0 && !force {
		return fmt.Errorf("obliterate queue %s: %w", q.Name, ErrQueueActive)
	}
	if err := r.Pause(ctx, q); err != nil {
		return err
	}
	for {
		code, err := r.run(ctx, obliterateScript, q, formatInt(cleanChunk), flag(force)).AsInt64()
		switch {
		case err != nil:
			return fmt.Errorf("obliterate queue %s: %w", q.Name, err)
		case code == -1:
			return fmt.Errorf("obliterate queue %s: %w", q.Name, ErrQueueNotPaused)
		case code == -2:
			return fmt.Errorf("obliterate queue %s: %w", q.Name, ErrQueueActive)
		case code == 0:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
	}
}

// RemoveOrphanedJobs implements [Backend]. It walks the whole key space.
func (r *Redis) RemoveOrphanedJobs(ctx context.Context, q QueueRef) (int64, error) {
	placed, err := r.placedJobs(ctx, q)
	if err != nil {
		return 0, fmt.Errorf("remove orphaned jobs of queue %s: %w", q.Name, err)
	}
	var removed int64
	for keys, err := range r.scan(ctx, escapeGlob(q.keyPrefix())+"*", "") {
		if err != nil {
			return removed, fmt.Errorf("remove orphaned jobs of queue %s: %w", q.Name, err)
		}
		for _, key := range keys {
			id := jobOfKey(strings.TrimPrefix(key, q.keyPrefix()))
			if placed[id] || !canBeJobID(id) {
				continue
			}
			// A job that has come or moved since is found by the script.
			n, err := r.run(ctx, removeOrphanScript, q, id).AsInt64()
			if err != nil {
				return removed, fmt.Errorf("remove orphaned jobs of queue %s: %w", q.Name, err)
			}
			placed[id] = true
			removed += n
		}
	}
	return removed, nil
}

// placedJobs returns the ids of all jobs that are in a state.
func (r *Redis) placedJobs(ctx context.Context, q QueueRef) (map[string]bool, error) {
	const page = 5000
	placed := map[string]bool{}
	for _, s := range stateKeys {
		for start := int64(0); ; start += page {
			var ids []string
			var err error
			if s.list {
				ids, err = r.client.Do(ctx, r.client.B().Lrange().Key(q.key(s.key)).Start(start).Stop(start+page-1).Build()).AsStrSlice()
			} else {
				ids, err = r.client.Do(ctx, r.client.B().Zrange().Key(q.key(s.key)).Min(formatInt(start)).Max(formatInt(start+page-1)).Build()).AsStrSlice()
			}
			if err != nil {
				return nil, err
			}
			for _, id := range ids {
				placed[id] = true
			}
			if len(ids) < page {
				break
			}
		}
	}
	return placed, nil
}

// jobOfKey returns the id of the job that a key belongs to, if it is a job's.
func jobOfKey(key string) string {
	for _, suffix := range []string{":logs", ":dependencies", ":processed", ":failed", ":unsuccessful", ":lock"} {
		if id, ok := strings.CutSuffix(key, suffix); ok {
			return id
		}
	}
	return key
}
