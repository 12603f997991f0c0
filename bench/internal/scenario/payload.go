package scenario

import (
	"context"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

// payloadTotal is how many bytes of data a round adds in all.
const payloadTotal = 200_000_000

// payload adds and drains jobs with much data. Whoever is busy for most of the
// time, the server or the engine's process, is what limits the rate.
func payload(load Load, bytes int) Scenario {
	jobs := max(min(load.Jobs, payloadTotal/bytes), 100)
	name := fmt.Sprintf("%d KB", bytes/1000)
	add, taken := "payload-add-"+name, "payload-drain-"+name
	figures := []Figure{Rate, MBPerS, ServerCPU, ServerBusy, ClientBusy}
	return Scenario{
		Key: "payload-" + name, Peers: bullOnly(),
		Measures: []Measure{
			{add, fmt.Sprintf("Add, %d producers, %s of data", producers, name), figures},
			{taken, fmt.Sprintf("Drain, concurrency %d, %s of data", concurrency, name), figures},
		},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			store := s.Peer.Store(b.Servers)
			if err := store.Flush(ctx); err != nil {
				return nil, err
			}
			added, err := measure(ctx, store, s.Producer, jobs, func() error {
				return s.Producer.Add(peer.Batch{Jobs: jobs, Bytes: bytes}, producers)
			})
			if err != nil {
				return nil, err
			}
			drained, err := drain(ctx, b, s, jobs, peer.WorkOptions{Concurrency: concurrency})
			if err != nil {
				return nil, err
			}
			for _, sample := range []Sample{added, drained} {
				sample[MBPerS] = sample[Rate] * float64(bytes) / 1e6
			}
			return map[string]Sample{add: added, taken: drained}, nil
		},
	}
}
