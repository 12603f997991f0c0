package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

// latency measures the time from when a job is due to be added to the start of
// its handler. Jobs arrive on a clock, whether or not the last one has ended,
// through the same pipe to each engine's producer, and a time counts from when
// the job should have arrived, so that whoever falls behind is seen to.
func latency(load Load, key string, perSecond int) Scenario {
	// The first arrivals find connections and code that are not warm.
	warm := perSecond / 2
	arrivals := warm + int(load.Arrivals.Seconds()*float64(perSecond))
	return Scenario{
		Key: key, Peers: bullOnly(),
		Measures: []Measure{{
			key, fmt.Sprintf("Latency from add to the handler's start, %d jobs/s on a clock", perSecond),
			[]Figure{P50, P99},
		}},
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			sample, err := latencyRound(ctx, b, s, arrivals, warm, time.Second/time.Duration(perSecond))
			return map[string]Sample{key: sample}, err
		},
	}
}

func latencyRound(ctx context.Context, b *Bench, s *Subject, arrivals, warm int, every time.Duration) (Sample, error) {
	if err := s.Peer.Store(b.Servers).Flush(ctx); err != nil {
		return nil, err
	}
	if err := s.Worker.Work(arrivals, 0, peer.WorkOptions{Concurrency: concurrency}); err != nil {
		return nil, err
	}
	sample, err := measure(ctx, s.Peer.Store(b.Servers), s.Worker, arrivals, func() error {
		if err := arrive(ctx, s.Producer, arrivals, every); err != nil {
			return err
		}
		if err := s.Producer.Settle(); err != nil {
			return err
		}
		return s.Worker.Await(arrivals)
	})
	if err != nil {
		return nil, err
	}
	if err := awaitFinished(ctx, s.Peer, b.Servers, arrivals); err != nil {
		return nil, err
	}
	got, err := s.Worker.Stop()
	if err != nil {
		return nil, err
	}
	if got.Lost > 0 || got.Repeated > 0 || len(got.Latencies) != arrivals {
		return nil, fmt.Errorf("%s: of %d arrivals, %d were lost and %d handled more than once", s.Peer.Name, arrivals, got.Lost, got.Repeated)
	}
	// Those that were handled first are those that arrived first, near enough.
	late := got.Latencies[warm:]
	slices.Sort(late)
	sample[P50] = float64(late[len(late)/2]) / 1000
	sample[P99] = float64(late[len(late)*99/100]) / 1000
	return sample, nil
}

// arrive lets jobs arrive at fixed times.
func arrive(ctx context.Context, producer *peer.Process, arrivals int, every time.Duration) error {
	start := time.Now().Add(10 * time.Millisecond)
	clock := newClock()
	defer clock.Close()
	for i := range arrivals {
		due := start.Add(time.Duration(i) * every)
		clock.SleepUntil(due)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := producer.Arrive(i, due); err != nil {
			return err
		}
	}
	return nil
}
