package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/rueidis"
)

// ChildrenValues implements [Backend].
func (r *Redis) ChildrenValues(ctx context.Context, q QueueRef, id string) (map[string]json.RawMessage, error) {
	values, err := r.client.Do(ctx, r.client.B().Hgetall().Key(q.key(id)+":processed").Build()).AsStrMap()
	if err != nil {
		return nil, fmt.Errorf("children of job %s: %w", id, err)
	}
	return rawValues(values), nil
}

func rawValues(values map[string]string) map[string]json.RawMessage {
	raw := make(map[string]json.RawMessage, len(values))
	for key, value := range values {
		raw[key], _ = decodeRaw(value) // Text that is no JSON is shown as a string.
	}
	return raw
}

// IgnoredFailures implements [Backend].
func (r *Redis) IgnoredFailures(ctx context.Context, q QueueRef, id string) (map[string]string, error) {
	reasons, err := r.client.Do(ctx, r.client.B().Hgetall().Key(q.key(id)+":failed").Build()).AsStrMap()
	if err != nil {
		return nil, fmt.Errorf("children of job %s: %w", id, err)
	}
	return reasons, nil
}

// Dependencies implements [Backend]. A limit bounds what is asked for, so that a
// parent of very many children can be looked at.
func (r *Redis) Dependencies(ctx context.Context, q QueueRef, id string, limit int) (*Dependencies, error) {
	key := q.key(id)
	commands := rueidis.Commands{
		r.client.B().Hgetall().Key(key + ":processed").Build(),
		r.client.B().Smembers().Key(key + ":dependencies").Build(),
		r.client.B().Hgetall().Key(key + ":failed").Build(),
		r.client.B().Zrange().Key(key + ":unsuccessful").Min("0").Max(lastIndex(limit)).Build(),
	}
	if limit > 0 {
		commands[0] = r.client.B().Hscan().Key(key + ":processed").Cursor(0).Count(int64(limit)).Build()
		commands[1] = r.client.B().Sscan().Key(key + ":dependencies").Cursor(0).Count(int64(limit)).Build()
		commands[2] = r.client.B().Hscan().Key(key + ":failed").Cursor(0).Count(int64(limit)).Build()
	}
	replies := r.client.DoMulti(ctx, commands...)
	processed, err1 := childMap(replies[0], limit)
	unprocessed, err2 := childSet(replies[1], limit)
	ignored, err3 := childMap(replies[2], limit)
	failed, err4 := replies[3].AsStrSlice()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, fmt.Errorf("children of job %s: %w", id, err)
	}
	return &Dependencies{Processed: rawValues(processed), Unprocessed: unprocessed, Ignored: ignored, Failed: failed}, nil
}

func lastIndex(limit int) string {
	if limit > 0 {
		return formatInt(limit - 1)
	}
	return "-1"
}

// childMap reads a hash, or as much of it as one step of a scan gives.
func childMap(reply rueidis.RedisResult, limit int) (map[string]string, error) {
	if limit == 0 {
		return reply.AsStrMap()
	}
	page, err := reply.AsScanEntry()
	if err != nil {
		return nil, err
	}
	pairs := make(map[string]string, limit)
	for i := 0; i+1 < len(page.Elements) && len(pairs) < limit; i += 2 {
		pairs[page.Elements[i]] = page.Elements[i+1]
	}
	return pairs, nil
}

func childSet(reply rueidis.RedisResult, limit int) ([]string, error) {
	if limit == 0 {
		return reply.AsStrSlice()
	}
	page, err := reply.AsScanEntry()
	if err != nil {
		return nil, err
	}
	return page.Elements[:min(limit, len(page.Elements))], nil
}

// DependencyCounts implements [Backend].
func (r *Redis) DependencyCounts(ctx context.Context, q QueueRef, id string) (DependencyCounts, error) {
	key := q.key(id)
	var counts [4]int64
	for i, reply := range r.client.DoMulti(ctx,
		r.client.B().Hlen().Key(key+":processed").Build(),
		r.client.B().Scard().Key(key+":dependencies").Build(),
		r.client.B().Hlen().Key(key+":failed").Build(),
		r.client.B().Zcard().Key(key+":unsuccessful").Build()) {
		n, err := reply.AsInt64()
		if err != nil {
			return DependencyCounts{}, fmt.Errorf("count children of job %s: %w", id, err)
		}
		counts[i] = n
	}
	return DependencyCounts{Processed: counts[0], Unprocessed: counts[1], Ignored: counts[2], Failed: counts[3]}, nil
}

// RemoveUnprocessedChildren implements [Backend].
func (r *Redis) RemoveUnprocessedChildren(ctx context.Context, q QueueRef, id string) error {
	for cursor := int64(0); ; {
		var err error
		cursor, err = r.runCode(ctx, removePendingScript, "remove the pending children of", q, id, formatInt(cursor))
		if err != nil || cursor == 0 {
			return err
		}
	}
}

// RemoveChildDependency implements [Backend].
func (r *Redis) RemoveChildDependency(ctx context.Context, q QueueRef, id, parentKey string) (bool, error) {
	code, err := r.runCode(ctx, partChildScript, "remove the dependency of", q, id, parentKey)
	return err == nil && code == 0, err
}
