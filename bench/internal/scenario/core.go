package scenario

import (
	"context"
	"fmt"
	"path/filepath"

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
	profiled := func(p *peer.Process, key string, run func() (Sample, error)) (err error) {
		if b.Profile == "" {
			samples[key], err = run()
			return err
		}
		if err := p.Profile(filepath.Join(b.Profile, s.Peer.Key+"-"+key+".pprof")); err != nil {
			return err
		}
		if samples[key], err = run(); err != nil {
			return err
		}
		return p.Profile("")
	}
	if s.Peer.HasBulk {
		if err := profiled(s.Producer, "bulk", func() (Sample, error) {
			return measure(ctx, store, s.Producer, jobs, func() error { return s.Producer.AddBulk(batch, bulkSize) })
		}); err != nil {
			return nil, err
		}
		if err := store.Flush(ctx); err != nil {
			return nil, err
		}
	}
	if err := profiled(s.Producer, "add", func() (Sample, error) {
		return measure(ctx, store, s.Producer, jobs, func() error { return s.Producer.Add(batch, producers) })
	}); err != nil {
		return nil, err
	}
	err := profiled(s.Worker, "drain", func() (Sample, error) {
		return drain(ctx, b, s, jobs, peer.WorkOptions{Concurrency: concurrency})
	})
	return samples, err
}
