package interop

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// keyspace is everything a queue has in Redis, by key without the queue's
// prefix: text, or what JSON has for the key's type.
type keyspace map[string]any

// dump reads all keys of a queue. Stream ids are left out and JSON is decoded, so
// that the dumps of two queues that went through the same are equal.
func dump(ctx context.Context, client rueidis.Client, q bullmq.QueueRef) (keyspace, error) {
	prefix := q.String() + ":"
	keys, err := client.Do(ctx, client.B().Keys().Pattern(prefix+"*").Build()).AsStrSlice()
	if err != nil {
		return nil, err
	}
	d := keyspace{}
	for _, key := range keys {
		value, err := dumpKey(ctx, client, key)
		if errors.Is(err, errExpired) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("dump %s: %w", key, err)
		}
		d[strings.TrimPrefix(key, prefix)] = value
	}
	return withoutPrefix(d, q.Prefix)
}

// errExpired says that a key with a time to live went between two looks.
var errExpired = errors.New("expired")

func dumpKey(ctx context.Context, client rueidis.Client, key string) (any, error) {
	kind, err := client.Do(ctx, client.B().Type().Key(key).Build()).ToString()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "none":
		return nil, errExpired
	case "string":
		value, err := client.Do(ctx, client.B().Get().Key(key).Build()).ToString()
		if rueidis.IsRedisNil(err) {
			return nil, errExpired
		}
		return value, err
	case "list":
		return client.Do(ctx, client.B().Lrange().Key(key).Start(0).Stop(-1).Build()).AsStrSlice()
	case "set":
		members, err := client.Do(ctx, client.B().Smembers().Key(key).Build()).AsStrSlice()
		slices.Sort(members)
		return members, err
	case "zset":
		return dumpSortedSet(ctx, client, key)
	case "hash":
		fields, err := client.Do(ctx, client.B().Hgetall().Key(key).Build()).AsStrMap()
		return decodeFields(fields), err
	case "stream":
		entries, err := client.Do(ctx, client.B().Xrange().Key(key).Start("-").End("+").Build()).AsXRange()
		events := make([]any, len(entries))
		for i, entry := range entries {
			events[i] = decodeFields(entry.FieldValues)
		}
		return events, err
	default:
		return nil, fmt.Errorf("unexpected type %s", kind)
	}
}

// dumpSortedSet keeps the order as well as the scores.
func dumpSortedSet(ctx context.Context, client rueidis.Client, key string) (any, error) {
	members, err := client.Do(ctx, client.B().Zrange().Key(key).Min("0").Max("-1").Withscores().Build()).AsZScores()
	lines := make([]string, len(members))
	for i, m := range members {
		lines[i] = fmt.Sprintf("%s = %.3f", m.Member, m.Score)
	}
	return lines, err
}

// jsonFields are the members of hashes and events that hold JSON.
var jsonFields = map[string]bool{
	"data": true, "opts": true, "parent": true, "returnvalue": true, "stacktrace": true, "progress": true,
}

func decodeFields(fields map[string]string) map[string]any {
	decoded := make(map[string]any, len(fields))
	for name, value := range fields {
		if jsonFields[name] {
			decoded[name] = decode([]byte(value))
			if opts, ok := decoded[name].(map[string]any); ok && name == "opts" {
				normalKeeps(opts)
			}
		} else {
			decoded[name] = value
		}
	}
	return decoded
}

// withoutVersion leaves out which library wrote the metadata, and when.
func (d keyspace) withoutVersion() keyspace {
	if meta, ok := d["meta"].(map[string]any); ok {
		delete(meta, "version")
	}
	return d
}

// timePattern matches the present in milliseconds, alone or as part of a key or score.
var timePattern = regexp.MustCompile(`\b1[6-9]\d{11}\b`)

// scorePattern matches the score of a delayed job.
var scorePattern = regexp.MustCompile(`= 7\d{15}\.\d+`)

// timeless replaces what depends on the moment of a run, and the frames of stack
// traces, and leaves out the keys that depend on what a worker was just doing.
func (d keyspace) timeless() keyspace {
	d = d.withoutVersion()
	for _, key := range []string{"marker", "stalled", "stalled-check"} {
		delete(d, key)
	}
	clean := keyspace{}
	for key, value := range d {
		clean[timePattern.ReplaceAllString(key, "{ms}")] = cleanValue(value)
	}
	// The order of jobs that ended within one millisecond says nothing.
	for _, key := range []string{"completed", "failed"} {
		if members, ok := clean[key].([]any); ok {
			slices.SortFunc(members, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
		}
	}
	return clean
}

func cleanValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		clean := make(map[string]any, len(v))
		for name, member := range v {
			clean[timePattern.ReplaceAllString(name, "{ms}")] = cleanValue(member)
		}
		return clean
	case []any:
		clean := make([]any, len(v))
		for i, member := range v {
			clean[i] = cleanValue(member)
		}
		return clean
	case float64:
		if v > 1.6e12 && v < 2e12 {
			return "{ms}"
		}
		return v
	case string:
		first, _, found := strings.Cut(v, "\n    at ")
		if found {
			return first
		}
		return timePattern.ReplaceAllString(scorePattern.ReplaceAllString(v, "= {due}"), "{ms}")
	default:
		return v
	}
}
