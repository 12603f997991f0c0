package catalogue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/rueidis"
)

// Reader lists what workers have published.
type Reader struct {
	client rueidis.Client
	keys   keys
}

// NewReader returns a reader of the workers of a queue prefix.
func NewReader(client rueidis.Client, prefix string) *Reader {
	return &Reader{client, newKeys(prefix)}
}

// Workers returns the workers that are alive, ordered by host, process and id.
// It makes two round trips to Redis.
func (r *Reader) Workers(ctx context.Context) ([]Worker, error) {
	ids, err := r.client.Do(ctx, r.client.B().Zrange().Key(r.keys.index()).Min("0").Max("-1").Build()).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("list workers: %w", err)
	}
	if len(ids) == 0 {
		return []Worker{}, nil
	}
	names := make([]string, 0, 2*len(ids))
	for _, id := range ids {
		names = append(names, r.keys.worker(id), r.keys.handlers(id))
	}
	values, err := r.client.Do(ctx, r.client.B().Mget().Key(names...).Build()).ToArray()
	if err != nil {
		return nil, fmt.Errorf("read workers: %w", err)
	}
	workers := make([]Worker, 0, len(ids))
	for i, id := range ids {
		entry, handlers := values[2*i], values[2*i+1]
		if entry.IsNil() || handlers.IsNil() {
			continue // it has expired, or is being removed
		}
		var w Worker
		if err := decode(entry, &w); err != nil {
			return nil, fmt.Errorf("entry of worker %s: %w", id, err)
		}
		if err := decode(handlers, &w.Handlers); err != nil {
			return nil, fmt.Errorf("handlers of worker %s: %w", id, err)
		}
		workers = append(workers, w)
	}
	slices.SortFunc(workers, compareWorkers)
	return workers, nil
}

func compareWorkers(a, b Worker) int {
	if c := strings.Compare(a.Host, b.Host); c != 0 {
		return c
	}
	if a.PID != b.PID {
		return a.PID - b.PID
	}
	return strings.Compare(a.ID, b.ID)
}

func decode(m rueidis.RedisMessage, into any) error {
	text, err := m.AsBytes()
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
