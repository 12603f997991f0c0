package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// memory measures the most that a worker's process holds while a thousand jobs
// run at once. The process is a fresh one each time, and jobs take so long that
// no engine has more of them to deal with in a second than another.
func memory(load Load) Scenario {
	const (
		atOnce = 1000
		hold   = 250 * time.Millisecond
	)
	jobs := min(load.Jobs, 10*atOnce)
	return Scenario{
		Key: "memory", Peers: everyone(),
		Measures: []Measure{{"memory", fmt.Sprintf("Memory of the worker's process, concurrency %d", atOnce), []Figure{Memory, Rate}}},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			if err := fill(ctx, b, s, peer.Batch{Jobs: jobs, Bytes: payloadBytes}); err != nil {
				return nil, err
			}
			worker, err := peer.Start(ctx, s.Peer, b.Servers.Addresses())
			if err != nil {
				return nil, err
			}
			defer func() { _ = worker.Close() }()
			fresh := &Subject{Peer: s.Peer, Worker: worker}
			sample, err := measure(ctx, s.Peer.Store(b.Servers), worker, jobs, func() error {
				if err := worker.Work(jobs, hold, peer.WorkOptions{Concurrency: atOnce}); err != nil {
					return err
				}
				if err := worker.Await(jobs); err != nil {
					return err
				}
				return awaitFinished(ctx, s.Peer, b.Servers, jobs)
			})
			if err != nil {
				return nil, err
			}
			sample[Memory] = float64(server.PeakMemory(worker.PID())) / 1e6
			return map[string]Sample{"memory": sample}, checkDelivery(ctx, b, fresh, jobs)
		},
	}
}
