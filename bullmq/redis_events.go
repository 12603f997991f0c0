package bullmq

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/rueidis"
)

// maxEventsPerRead bounds what one stream gives in one reply.
const maxEventsPerRead = 1000

// LastEventIDs implements [Backend].
func (r *Redis) LastEventIDs(ctx context.Context, queues []QueueRef) ([]string, error) {
	commands := make(rueidis.Commands, len(queues))
	for i, q := range queues {
		commands[i] = r.client.B().Xrevrange().Key(q.key("events")).End("+").Start("-").Count(1).Build()
	}
	ids := make([]string, len(queues))
	for i, reply := range r.client.DoMulti(ctx, commands...) {
		entries, err := reply.AsXRange()
		if err != nil {
			return nil, fmt.Errorf("events of queue %s: %w", queues[i].Name, err)
		}
		ids[i] = "0-0"
		if len(entries) > 0 {
			ids[i] = entries[0].ID
		}
	}
	return ids, nil
}

// TrimEvents implements [Backend].
func (r *Redis) TrimEvents(ctx context.Context, q QueueRef, maxEvents int64) (int64, error) {
	n, err := r.client.Do(ctx, r.client.B().Xtrim().Key(q.key("events")).Maxlen().Almost().Threshold(formatInt(maxEvents)).Build()).AsInt64()
	if err != nil {
		return 0, fmt.Errorf("trim events of queue %s: %w", q.Name, err)
	}
	return n, nil
}

// PublishEvent implements [Backend].
func (r *Redis) PublishEvent(ctx context.Context, q QueueRef, name string, fields map[string]string, maxEvents int) (string, error) {
	command := r.client.B().Xadd().Key(q.key("events")).Maxlen().Almost().Threshold(formatInt(maxEvents)).Id("*").
		FieldValue().FieldValue("event", name)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		command = command.FieldValue(field, fields[field])
	}
	id, err := r.client.Do(ctx, command.Build()).ToString()
	if err != nil {
		return "", fmt.Errorf("publish event %s of queue %s: %w", name, q.Name, err)
	}
	return id, nil
}

// NewEventSource implements [Backend].
func (r *Redis) NewEventSource(name string) EventSource {
	name = "jobrunner:qe" + name
	if r.cluster {
		return newClusterEventSource(r.client, name)
	}
	return &redisEventSource{blockingConn{client: r.client, name: name}}
}

// redisEventSource reads all streams over one connection.
type redisEventSource struct{ blockingConn }

// Read implements [EventSource].
func (s *redisEventSource) Read(ctx context.Context, after map[QueueRef]string, block time.Duration) ([]Event, error) {
	events, err := s.readStreams(ctx, after, block)
	sortEvents(events)
	return events, err
}

// readStreams waits for events after the given positions, of streams that one
// server holds.
func (b *blockingConn) readStreams(ctx context.Context, after map[QueueRef]string, block time.Duration) ([]Event, error) {
	queues := make(map[string]QueueRef, len(after))
	keys := make([]string, 0, len(after))
	ids := make([]string, 0, len(after))
	for q, id := range after {
		key := q.key("events")
		queues[key] = q
		keys = append(keys, key)
		ids = append(ids, id)
	}
	var events []Event
	err := b.do(ctx, block, func(ctx context.Context, c rueidis.DedicatedClient) error {
		streams, err := c.Do(ctx, c.B().Xread().Count(maxEventsPerRead).Block(block.Milliseconds()).
			Streams().Key(keys...).Id(ids...).Build()).AsXRead()
		if rueidis.IsRedisNil(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for key, entries := range streams {
			for _, entry := range entries {
				events = append(events, Event{
					ID: entry.ID, Queue: queues[key], Type: EventType(entry.FieldValues["event"]),
					JobID: entry.FieldValues["jobId"], Fields: entry.FieldValues,
				})
			}
		}
		return nil
	})
	return events, err
}

// sortEvents puts events of several queues in the order of the store's clock,
// so that a child's end comes before its parent's release.
func sortEvents(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time().Compare(b.Time()) })
}
