package scenario

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

// warmChild measures what a child process adds to a job: the time from add to
// completion of single jobs, with the handler in a warm child less with the same
// compiled in, in turn.
func warmChild(load Load) Scenario {
	const key = "handlers-child"
	pairs := min(load.Jobs/10, 2000)
	return Scenario{
		Key: key, Peers: []string{peer.JobRunner.Key}, Setup: openHandlers,
		Measures: []Measure{{key, "What a warm child adds to a lone job with 1 KB of data", []Figure{Added, InChild, CompiledIn}}},
		Round: func(ctx context.Context, b *Bench, _ *Subject) (map[string]Sample, error) {
			w, err := b.handlers.start(ctx, nodeHandlers, 1)
			if err != nil {
				return nil, err
			}
			sample, err := b.handlers.roundTrips(ctx, pairs)
			return map[string]Sample{key: sample}, errors.Join(err, w.Stop())
		},
	}
}

func (h *handlerBench) roundTrips(ctx context.Context, pairs int) (Sample, error) {
	events := h.follow()
	times := map[string][]time.Duration{}
	data := peer.Data{Payload: strings.Repeat("x", handlerBytes)}
	for n := range warmJobs + pairs {
		for _, name := range []string{noopName, echoName} {
			start := time.Now()
			job, err := h.queue.Add(ctx, name, data, nil)
			if err != nil {
				return nil, err
			}
			if err := events.awaitCompleted(ctx, job.ID); err != nil {
				return nil, err
			}
			if n >= warmJobs {
				times[name] = append(times[name], time.Since(start))
			}
		}
	}
	child, compiled := medianMS(times[noopName]), medianMS(times[echoName])
	return Sample{Added: child - compiled, InChild: child, CompiledIn: compiled}, nil
}

func medianMS(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds()) / 1000
}
