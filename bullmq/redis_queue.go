package bullmq

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// libraryVersion is what a queue's metadata says of who wrote it.
const libraryVersion = "jobrunner:0.1.0"

// Queues implements [Backend]. A queue is what has metadata.
func (r *Redis) Queues(ctx context.Context, prefix string) ([]string, error) {
	pattern := escapeGlob(prefix) + ":*:meta"
	found := map[string]struct{}{}
	for keys, err := range r.scan(ctx, pattern, "hash") {
		if err != nil {
			return nil, fmt.Errorf("list queues: %w", err)
		}
		for _, key := range keys {
			name := strings.TrimSuffix(strings.TrimPrefix(key, prefix+":"), ":meta")
			if name != "" && !strings.Contains(name, ":") {
				found[name] = struct{}{}
			}
		}
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(s)
}

// InitQueue implements [Backend].
func (r *Redis) InitQueue(ctx context.Context, q QueueRef, maxEvents int) error {
	// What wrote the metadata before is left to stand, for version 5 of BullMQ wants
	// to be recognized.
	for _, reply := range r.client.DoMulti(ctx,
		r.client.B().Hsetnx().Key(q.key("meta")).Field("opts.maxLenEvents").Value(strconv.Itoa(maxEvents)).Build(),
		r.client.B().Hsetnx().Key(q.key("meta")).Field("version").Value(libraryVersion).Build()) {
		if err := reply.Error(); err != nil {
			return fmt.Errorf("create queue %s: %w", q.Name, err)
		}
	}
	return nil
}

// Meta implements [Backend].
func (r *Redis) Meta(ctx context.Context, queues []QueueRef) ([]QueueMeta, error) {
	commands := make(rueidis.Commands, len(queues))
	for i, q := range queues {
		commands[i] = r.client.B().Hgetall().Key(q.key("meta")).Build()
	}
	metas := make([]QueueMeta, len(queues))
	for i, reply := range r.client.DoMulti(ctx, commands...) {
		fields, err := reply.AsStrMap()
		if err != nil {
			return nil, fmt.Errorf("metadata of queue %s: %w", queues[i].Name, err)
		}
		metas[i] = decodeMeta(fields)
	}
	return metas, nil
}

func decodeMeta(fields map[string]string) QueueMeta {
	number := func(name string) int {
		n, _ := strconv.Atoi(fields[name]) // An absent or damaged limit is no limit.
		return n
	}
	_, paused := fields["paused"]
	return QueueMeta{
		Exists:            len(fields) > 0,
		Paused:            paused,
		Concurrency:       number("concurrency"),
		RateLimitMax:      number("max"),
		RateLimitDuration: time.Duration(number("duration")) * time.Millisecond,
		Version:           fields["version"],
	}
}

// stateKeys are the keys that hold each state's ids. The list "paused" is where
// version 5 of BullMQ keeps waiting jobs of a paused queue.
var stateKeys = []struct {
	state JobState
	key   string
	list  bool
}{
	{StateWaiting, "wait", true},
	{StateWaiting, "paused", true},
	{StateActive, "active", true},
	{StateDelayed, "delayed", false},
	{StatePrioritized, "prioritized", false},
	{StateWaitingChildren, "waiting-children", false},
	{StateCompleted, "completed", false},
	{StateFailed, "failed", false},
}

// Counts implements [Backend].
func (r *Redis) Counts(ctx context.Context, queues []QueueRef) ([]JobCounts, error) {
	commands := make(rueidis.Commands, 0, len(queues)*len(stateKeys))
	for _, q := range queues {
		for _, s := range stateKeys {
			if s.list {
				commands = append(commands, r.client.B().Llen().Key(q.key(s.key)).Build())
			} else {
				commands = append(commands, r.client.B().Zcard().Key(q.key(s.key)).Build())
			}
		}
	}
	counts := make([]JobCounts, len(queues))
	for i, reply := range r.client.DoMulti(ctx, commands...) {
		n, err := reply.AsInt64()
		if err != nil {
			return nil, fmt.Errorf("count jobs of queue %s: %w", queues[i/len(stateKeys)].Name, err)
		}
		q := i / len(stateKeys)
		if counts[q] == nil {
			counts[q] = make(JobCounts, len(JobStates))
		}
		counts[q][stateKeys[i%len(stateKeys)].state] += n
	}
	return counts, nil
}

// JobIDs implements [Backend].
func (r *Redis) JobIDs(ctx context.Context, q QueueRef, state JobState, start, end int64, desc bool) ([]string, error) {
	var keys []string
	var list bool
	for _, s := range stateKeys {
		if s.state == state {
			keys, list = append(keys, q.key(s.key)), s.list
		}
	}
	var ids []string
	var err error
	switch {
	case len(keys) == 0:
		return nil, invalid("state", "unknown job state %q", state)
	case len(keys) > 1:
		ids, err = r.listsRange(ctx, keys, start, end, desc)
	case list:
		ids, err = r.listRange(ctx, keys[0], start, end, desc)
	default:
		command := r.client.B().Zrange().Key(keys[0]).Min(strconv.FormatInt(start, 10)).Max(strconv.FormatInt(end, 10))
		if desc {
			ids, err = r.client.Do(ctx, command.Rev().Build()).AsStrSlice()
		} else {
			ids, err = r.client.Do(ctx, command.Build()).AsStrSlice()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list %s jobs of queue %s: %w", state, q.Name, err)
	}
	return ids, nil
}

// listRange returns the ids start to end of a list, whose end is what runs next.
func (r *Redis) listRange(ctx context.Context, key string, start, end int64, desc bool) ([]string, error) {
	if !desc {
		start, end = -end-1, -start-1
	}
	ids, err := r.client.Do(ctx, r.client.B().Lrange().Key(key).Start(start).Stop(end).Build()).AsStrSlice()
	if !desc {
		slices.Reverse(ids)
	}
	return ids, err
}

// listsRange returns a range of lists that follow one another.
func (r *Redis) listsRange(ctx context.Context, keys []string, start, end int64, desc bool) ([]string, error) {
	keys = slices.Clone(keys)
	if desc {
		slices.Reverse(keys)
	}
	commands := make(rueidis.Commands, len(keys))
	for i, key := range keys {
		commands[i] = r.client.B().Llen().Key(key).Build()
	}
	lengths := make([]int64, len(keys))
	var total int64
	for i, reply := range r.client.DoMulti(ctx, commands...) {
		n, err := reply.AsInt64()
		if err != nil {
			return nil, err
		}
		lengths[i] = n
		total += n
	}
	if end < 0 {
		end += total
	}
	if start < 0 {
		start = max(start+total, 0)
	}
	var ids []string
	for i, key := range keys {
		if start < lengths[i] && end >= 0 {
			part, err := r.listRange(ctx, key, max(start, 0), min(end, lengths[i]-1), desc)
			if err != nil {
				return nil, err
			}
			ids = append(ids, part...)
		}
		start, end = start-lengths[i], end-lengths[i]
	}
	return ids, nil
}

// Pause implements [Backend].
func (r *Redis) Pause(ctx context.Context, q QueueRef) error {
	if err := r.run(ctx, pauseScript, q).Error(); err != nil {
		return fmt.Errorf("pause queue %s: %w", q.Name, err)
	}
	return nil
}

// Resume implements [Backend].
func (r *Redis) Resume(ctx context.Context, q QueueRef) error {
	for first := true; ; first = false {
		left, err := r.run(ctx, resumeScript, q, flag(first)).AsInt64()
		if err != nil {
			return fmt.Errorf("resume queue %s: %w", q.Name, err)
		}
		if left == 0 {
			return nil
		}
	}
}

// Workers implements [Backend].
func (r *Redis) Workers(ctx context.Context, prefix string) ([]WorkerConn, error) {
	var workers []WorkerConn
	for _, node := range r.nodes() {
		list, err := node.Do(ctx, node.B().ClientList().Build()).ToString()
		if err != nil {
			return nil, fmt.Errorf("list workers: %w", err)
		}
		for line := range strings.Lines(list) {
			if w, ok := parseWorkerConn(line, prefix); ok {
				workers = append(workers, w)
			}
		}
	}
	return workers, nil
}

// parseWorkerConn reads a line of CLIENT LIST. A worker's connection is named
// "<prefix>:<base64 of the queue>", with ":w:<name>" if the worker has a name.
func parseWorkerConn(line, prefix string) (WorkerConn, bool) {
	fields := map[string]string{}
	for pair := range strings.FieldsSeq(line) {
		if name, value, ok := strings.Cut(pair, "="); ok {
			fields[name] = value
		}
	}
	rest, ok := strings.CutPrefix(fields["name"], prefix+":")
	if !ok {
		return WorkerConn{}, false
	}
	encoded, suffix, named := strings.Cut(rest, ":")
	name, isWorker := strings.CutPrefix(suffix, "w:")
	queue, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(queue) == 0 || named && !isWorker {
		return WorkerConn{}, false
	}
	addr := fields["addr"]
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = ""
	}
	age, _ := strconv.Atoi(fields["age"]) // Absent counts as new.
	return WorkerConn{
		ID: fields["id"], Queue: string(queue), Name: name, Addr: addr, Age: time.Duration(age) * time.Second,
	}, true
}
