package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

// kind drains jobs that are not plain ones. Delayed jobs are all due when the
// worker starts.
func kind(load Load, k peer.Kind, title string) Scenario {
	jobs := load.Jobs / (1 + peer.FlowChildren) * (1 + peer.FlowChildren)
	switch k {
	case peer.Delayed:
		title += " jobs that have become due, drain"
	case peer.Flow:
		title += fmt.Sprintf(" drain, parents with %d children", peer.FlowChildren)
	case peer.Plain, peer.Prioritized:
		title += " drain, 1,000 priorities"
	}
	return Scenario{
		Key: string(k), Peers: bullOnly(),
		Measures: []Measure{{string(k), title, []Figure{Rate, ServerCPU, ClientCPU}}},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			if err := fill(ctx, b, s, peer.Batch{Jobs: jobs, Bytes: payloadBytes, Kind: k}); err != nil {
				return nil, err
			}
			if k == peer.Delayed {
				if err := pause(ctx, peer.DelaySpread); err != nil {
					return nil, err
				}
			}
			sample, err := drain(ctx, b, s, jobs, peer.WorkOptions{Concurrency: concurrency})
			return map[string]Sample{string(k): sample}, err
		},
	}
}

// looseLimit drains with a rate limit that nothing comes near.
func looseLimit(load Load) Scenario {
	return limited("limit-loose", "Drain with a rate limit that does not bind", load.Jobs, peer.Limit{Max: 10_000_000, Duration: time.Second})
}

// tightLimit drains with a rate limit of 5,000 jobs a second.
func tightLimit(load Load) Scenario {
	const most = 500
	return limited("limit-tight", "Drain with a rate limit of 5,000 jobs/s", min(load.Jobs, 20*most), peer.Limit{Max: most, Duration: 100 * time.Millisecond})
}

func limited(key, title string, jobs int, limit peer.Limit) Scenario {
	return Scenario{
		Key: key, Peers: bullOnly(),
		Measures: []Measure{{key, title, []Figure{Rate, ServerCPU, ClientCPU}}},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			if err := fill(ctx, b, s, peer.Batch{Jobs: jobs, Bytes: payloadBytes}); err != nil {
				return nil, err
			}
			sample, err := drain(ctx, b, s, jobs, peer.WorkOptions{Concurrency: concurrency, Limit: limit})
			return map[string]Sample{key: sample}, err
		},
	}
}

// fill empties the store and adds jobs.
func fill(ctx context.Context, b *Bench, s *Subject, batch peer.Batch) error {
	if err := s.Peer.Store(b.Servers).Flush(ctx); err != nil {
		return err
	}
	if !s.Peer.HasBulk {
		return s.Producer.Add(batch, producers)
	}
	return s.Producer.AddBulk(batch, bulkSize)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
