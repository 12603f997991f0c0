package scenario

import (
	"context"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

// nodeHandler drains jobs with one and the same function, in a child process of
// JobRunner's worker and in a worker of npm bullmq. Both are warm.
func nodeHandler(load Load) Scenario {
	const key = "handlers-node"
	return Scenario{
		Key: key, Peers: bullOnly(), Setup: openHandlers,
		Measures: []Measure{{
			key, fmt.Sprintf("Node handler that returns its 1 KB of data, drain, concurrency %d", handlerConcurrency),
			[]Figure{Rate, ServerCPU, ClientCPU, ClientBusy},
		}},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			var sample Sample
			var err error
			if s.Peer == peer.JobRunner {
				sample, err = b.handlers.drain(ctx, b, s, nodeHandlers, noopName, load.Jobs)
			} else {
				sample, err = bareDrain(ctx, b, s, load.Jobs)
			}
			return map[string]Sample{key: sample}, err
		},
	}
}

// compiledHandler drains jobs with a compiled-in handler of JobRunner's worker,
// and with its engine and a function. They take turns at being first.
func compiledHandler(load Load) Scenario {
	const compiled, bare = "handlers-compiled", "handlers-bare"
	figures := []Figure{Rate, ServerCPU, ClientCPU, ClientBusy}
	return Scenario{
		Key: compiled, Peers: []string{peer.JobRunner.Key}, Setup: openHandlers,
		Measures: []Measure{
			{compiled, fmt.Sprintf("Compiled-in handler that returns its 1 KB of data, drain, concurrency %d", handlerConcurrency), figures},
			{bare, fmt.Sprintf("The same by the engine alone, drain, concurrency %d", handlerConcurrency), figures},
		},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			samples := map[string]Sample{}
			b.handlers.rounds++
			order := []string{compiled, bare}
			if b.handlers.rounds%2 == 0 {
				order = []string{bare, compiled}
			}
			for _, key := range order {
				var err error
				if key == compiled {
					samples[key], err = b.handlers.drain(ctx, b, s, nodeHandlers, echoName, load.Jobs)
				} else {
					samples[key], err = bareDrain(ctx, b, s, load.Jobs)
				}
				if err != nil {
					return nil, err
				}
			}
			return samples, nil
		},
	}
}

// bareDrain drains with an engine's own worker, in a process that is warm.
func bareDrain(ctx context.Context, b *Bench, s *Subject, jobs int) (Sample, error) {
	opts := peer.WorkOptions{Concurrency: handlerConcurrency, Echo: true}
	if err := fill(ctx, b, s, peer.Batch{Jobs: warmJobs, Bytes: handlerBytes}); err != nil {
		return nil, err
	}
	if _, err := drain(ctx, b, s, warmJobs, opts); err != nil {
		return nil, err
	}
	if err := fill(ctx, b, s, peer.Batch{Jobs: jobs, Bytes: handlerBytes}); err != nil {
		return nil, err
	}
	return drain(ctx, b, s, jobs, opts)
}
