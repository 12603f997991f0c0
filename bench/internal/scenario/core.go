package scenario

import (
	"context"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

const (
	producers    = 64
	bulkSize     = 1000
	concurrency  = 100
	payloadBytes = 100
)

// core adds jobs one by one, adds them in bulks, and drains them with a handler
// that does nothing.
func core(load Load) Scenario {
	figures := []Figure{Rate, ServerCPU, ClientCPU, Bytes}
	return Scenario{
		Key: "core", Peers: everyone(),
		Measures: []Measure{
			{"add", fmt.Sprintf("Add, %d producers", producers), figures},
			{"bulk", fmt.Sprintf("Add, in bulks of %d", bulkSize), figures},
			{"drain", fmt.Sprintf("Drain, concurrency %d", concurrency), figures[:3]},
		},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			return coreRound(ctx, b, s, load.Jobs)
		},
	}
}

func coreRound(ctx context.Context, b *Bench, s *Subject, jobs int) (map[string]Sample, error) {
	samples := map[string]Sample{}
	batch := peer.Batch{Jobs: jobs, Bytes: payloadBytes}
	store := s.Peer.Store(b.Servers)
	if err := store.Flush(ctx); err != nil {
		return nil, err
	}
	var err error
	if s.Peer.HasBulk {
		samples["bulk"], err = measure(ctx, store, s.Producer, jobs, func() error { return s.Producer.AddBulk(batch, bulkSize) })
		if err != nil {
			return nil, err
		}
		if err := store.Flush(ctx); err != nil {
			return nil, err
		}
	}
	samples["add"], err = measure(ctx, store, s.Producer, jobs, func() error { return s.Producer.Add(batch, producers) })
	if err != nil {
		return nil, err
	}
	samples["drain"], err = drain(ctx, b, s, jobs, peer.WorkOptions{Concurrency: concurrency})
	return samples, err
}
