package interop

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	keydump "github.com/jobrunner-dev/jobrunner/test/conformance/dump"
)

// keyspace is what the keys of a queue hold, by key without the queue's prefix.
type keyspace map[string]any

// dump reads all keys of a queue, so that the dumps of two queues that went
// through the same are equal.
func dump(ctx context.Context, client rueidis.Client, q bullmq.QueueRef) (keyspace, error) {
	space, err := keydump.Read(ctx, client, q.String()+":")
	if err != nil {
		return nil, err
	}
	return withoutPrefix(keyspace(space.Values()), q.Prefix)
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
