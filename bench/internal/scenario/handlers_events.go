package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

// follower reads a queue's events as they come.
type follower struct {
	client rueidis.Client
	last   string
}

// follow begins with the events to come after a server was emptied.
func (h *handlerBench) follow() *follower { return &follower{client: h.client, last: "0"} }

// next returns the events since the last call, and waits for the first; none if
// there is none for a second.
func (f *follower) next(ctx context.Context) ([]map[string]string, error) {
	key := "bull:" + peer.QueueName + ":events"
	command := f.client.B().Xread().Count(1000).Block(1000).Streams().Key(key).Id(f.last).Build()
	streams, err := f.client.Do(ctx, command).AsXRead()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the queue's events: %w", err)
	}
	var events []map[string]string
	for _, e := range streams[key] {
		f.last = e.ID
		events = append(events, e.FieldValues)
	}
	return events, nil
}

// awaitCompleted returns once the job has completed; it is an error if it does
// anything else.
func (f *follower) awaitCompleted(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		events, err := f.next(ctx)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e["jobId"] != id {
				continue
			}
			switch e["event"] {
			case "completed":
				return nil
			case "failed", "delayed":
				return fmt.Errorf("job %s was %s: %s", id, e["event"], e["failedReason"])
			}
		}
	}
}
