// Package dump reads everything that queues have in Redis in a form that can be
// compared: what is random or arbitrary by design is left out or put in order.
package dump

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Keyspace is everything under a prefix, by key without it.
type Keyspace map[string]Entry

// Entry is what one key holds.
type Entry struct {
	// Type is the key's type as Redis names it.
	Type string `json:"type"`
	// TTL is the class of the key's time to live, empty without one.
	TTL string `json:"ttl,omitempty"`
	// Value is text, a list of texts, or a map by field, as JSON would have them.
	// JSON inside of fields is decoded, sets are sorted, stream ids are left out.
	Value any `json:"value"`
}

// Values returns what the keys hold.
func (k Keyspace) Values() map[string]any {
	values := make(map[string]any, len(k))
	for key, entry := range k {
		values[key] = entry.Value
	}
	return values
}

// Read returns all keys whose names begin with prefix. A key with a time to live
// that ends meanwhile is left out.
func Read(ctx context.Context, client rueidis.Client, prefix string) (Keyspace, error) {
	keys, err := Keys(ctx, client, prefix)
	if err != nil {
		return nil, err
	}
	commands := make(rueidis.Commands, 0, 2*len(keys))
	for _, key := range keys {
		commands = append(commands, client.B().Type().Key(key).Build(), client.B().Pttl().Key(key).Build())
	}
	looks := client.DoMulti(ctx, commands...)
	space := make(Keyspace, len(keys))
	reads := make(rueidis.Commands, 0, len(keys))
	var names []string
	for i, key := range keys {
		kind, err := looks[2*i].ToString()
		if err != nil {
			return nil, err
		}
		ttl, err := looks[2*i+1].AsInt64()
		if err != nil {
			return nil, err
		}
		if kind == "none" {
			continue
		}
		read, err := readCommand(client, kind, key)
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(key, prefix)
		space[name] = Entry{Type: kind, TTL: TTLClass(ttl)}
		names, reads = append(names, name), append(reads, read)
	}
	for i, reply := range client.DoMulti(ctx, reads...) {
		if rueidis.IsRedisNil(reply.Error()) {
			delete(space, names[i])
			continue
		}
		entry := space[names[i]]
		if entry.Value, err = decode(names[i], entry.Type, reply); err != nil {
			return nil, fmt.Errorf("dump %s: %w", names[i], err)
		}
		space[names[i]] = entry
	}
	return space, nil
}

// Keys returns the names of all keys that begin with prefix.
func Keys(ctx context.Context, client rueidis.Client, prefix string) ([]string, error) {
	keys, err := client.Do(ctx, client.B().Keys().Pattern(prefix+"*").Build()).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", prefix, err)
	}
	slices.Sort(keys)
	return keys, nil
}

// TTLClass says how long a key lives, in steps that are wider than the time
// between writing and reading it.
func TTLClass(ms int64) string {
	const step = 10 * time.Second
	if ms < 0 {
		return ""
	}
	ttl := time.Duration(ms) * time.Millisecond
	return "at most " + ((ttl + step - 1) / step * step).String()
}

func readCommand(client rueidis.Client, kind, key string) (rueidis.Completed, error) {
	switch kind {
	case "string":
		return client.B().Get().Key(key).Build(), nil
	case "list":
		return client.B().Lrange().Key(key).Start(0).Stop(-1).Build(), nil
	case "set":
		return client.B().Smembers().Key(key).Build(), nil
	case "zset":
		return client.B().Zrange().Key(key).Min("0").Max("-1").Withscores().Build(), nil
	case "hash":
		return client.B().Hgetall().Key(key).Build(), nil
	case "stream":
		return client.B().Xrange().Key(key).Start("-").End("+").Build(), nil
	default:
		return rueidis.Completed{}, fmt.Errorf("dump %s: unexpected type %s", key, kind)
	}
}

func decode(name, kind string, reply rueidis.RedisResult) (any, error) {
	switch kind {
	case "string":
		return reply.ToString()
	case "list":
		members, err := reply.AsStrSlice()
		return anys(members), err
	case "set":
		members, err := reply.AsStrSlice()
		slices.Sort(members)
		return anys(members), err
	case "zset":
		// The order of the members is a part of what is compared.
		members, err := reply.AsZScores()
		lines := make([]any, len(members))
		for i, m := range members {
			lines[i] = m.Member + " = " + strconv.FormatFloat(m.Score, 'f', 3, 64)
		}
		return lines, err
	case "hash":
		fields, err := reply.AsStrMap()
		return decodeFields(fields, strings.HasSuffix(name, ":processed")), err
	default:
		entries, err := reply.AsXRange()
		events := make([]any, len(entries))
		for i, entry := range entries {
			events[i] = decodeFields(entry.FieldValues, false)
		}
		return events, err
	}
}

func anys(texts []string) []any {
	values := make([]any, len(texts))
	for i, text := range texts {
		values[i] = text
	}
	return values
}

// jsonFields are the members of hashes and events that hold JSON.
var jsonFields = map[string]bool{
	"data": true, "opts": true, "parent": true, "pd": true, "returnvalue": true, "stacktrace": true, "progress": true,
}

func decodeFields(fields map[string]string, allJSON bool) map[string]any {
	decoded := make(map[string]any, len(fields))
	for name, value := range fields {
		if !allJSON && !jsonFields[name] {
			decoded[name] = value
			continue
		}
		decoded[name] = decodeJSON(value)
		switch v := decoded[name].(type) {
		case map[string]any:
			if name == "opts" {
				NormalOptions(v)
			}
		case []any:
			if name == "stacktrace" {
				withoutFrames(v)
			}
		}
	}
	return decoded
}

// decodeJSON returns what the text means; text that is not JSON says so.
func decodeJSON(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return "invalid JSON: " + text
	}
	return v
}

// withoutFrames leaves the first line of each stack trace: what was thrown.
func withoutFrames(traces []any) {
	for i, trace := range traces {
		if text, ok := trace.(string); ok {
			traces[i], _, _ = strings.Cut(text, "\n    at ")
		}
	}
}

// NormalOptions leaves out of a job's options what says no more than its absence,
// and writes what is kept of finished jobs in the shortest of the forms that say
// the same: {"count":0}, 0 and true, or {"count":5} and 5.
func NormalOptions(opts map[string]any) {
	NormalKeeps(opts)
	for _, name := range []string{"attempts", "delay", "priority"} {
		if opts[name] == 0.0 {
			delete(opts, name)
		}
	}
	if opts["lifo"] == false {
		delete(opts, "lifo")
	}
	if backoff, ok := opts["backoff"].(map[string]any); ok && backoff["delay"] == 0.0 {
		delete(backoff, "delay")
	}
}

// NormalKeeps is the latter part of [NormalOptions].
func NormalKeeps(opts map[string]any) {
	for _, name := range []string{"removeOnComplete", "removeOnFail"} {
		if object, ok := opts[name].(map[string]any); ok && len(object) == 1 && object["count"] != nil {
			opts[name] = object["count"]
		}
		if opts[name] == 0.0 {
			opts[name] = true
		}
	}
}
