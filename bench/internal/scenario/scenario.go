// Package scenario has what is measured, one file each.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// Load says how much work there is.
type Load struct {
	// Jobs is the size of the drains and of what is added.
	Jobs int
	// Backlog is how many jobs wait in the large queue.
	Backlog int
	// Arrivals is for how long jobs arrive on a clock.
	Arrivals time.Duration
	// Reloads is how often a handler is saved while its jobs run.
	Reloads int
}

// Figure is one number of a sample.
type Figure string

// The figures. Times are in µs, if not in ms, and apply to one job.
const (
	Rate      Figure = "jobs/s"
	ServerCPU Figure = "server CPU µs/job"
	ClientCPU Figure = "process CPU µs/job"
	Bytes     Figure = "server bytes/job"
	P50       Figure = "p50 ms"
	P99       Figure = "p99 ms"
	Memory    Figure = "peak MB"
	MBPerS    Figure = "MB/s"
	// ServerBusy and ClientBusy are shares of one core.
	ServerBusy Figure = "server busy %"
	ClientBusy Figure = "process busy %"
	Max        Figure = "longest ms"
	Reloads    Figure = "reloads"
	Wrong      Figure = "jobs failed or run twice"
	Jobs       Figure = "jobs"
	PerReload  Figure = "ms per reload"
	Resident   Figure = "worker's MB"
	Added      Figure = "added ms, p50"
	InChild    Figure = "in a child ms, p50"
	CompiledIn Figure = "compiled in ms, p50"
	Children   Figure = "child processes"
)

// Sample is what one round of one engine came to.
type Sample map[Figure]float64

// Measure names a row of the results, and the figures that are shown with it,
// the one that is compared first.
type Measure struct {
	Key     string
	Title   string
	Figures []Figure
}

// Scenario measures one or more things in each of its rounds.
type Scenario struct {
	Key      string
	Measures []Measure
	// Peers are the keys of the engines that take part.
	Peers []string
	// Rounds replaces the number of rounds if it is not 0.
	Rounds int
	// Setup, if any, runs once before the rounds.
	Setup func(ctx context.Context, b *Bench) error
	// Round measures one engine and gives a sample for each key of Measures.
	Round func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error)
	// Teardown, if any, runs once after the rounds.
	Teardown func(b *Bench)
}

// All are the scenarios in the order they run in.
func All(load Load) []Scenario {
	return []Scenario{
		core(load), latency(load, "latency-idle", 100), latency(load, "latency-busy", 1000), backlog(load),
		kind(load, peer.Delayed, "Delayed"), kind(load, peer.Prioritized, "Prioritized"), kind(load, peer.Flow, "Flow"),
		looseLimit(load), tightLimit(load), memory(load), payload(load, 10_000), payload(load, 100_000),
		nodeHandler(load), compiledHandler(load), warmChild(load), savedHandler(load), manyReloads(load), idleHandlers(),
	}
}

// Bench is what scenarios run on.
type Bench struct {
	Servers  peer.Servers
	Subjects []*Subject
	backlog  *largeQueue
	handlers *handlerBench
}

// Subject is an engine with its two processes.
type Subject struct {
	Peer     *peer.Peer
	Producer *peer.Process
	Worker   *peer.Process
}

// StartSubject starts the processes of an engine.
func StartSubject(ctx context.Context, p *peer.Peer, servers peer.Servers) (*Subject, error) {
	s := &Subject{Peer: p}
	var err error
	if s.Producer, err = peer.Start(ctx, p, servers.Addresses()); err != nil {
		return nil, err
	}
	if s.Worker, err = peer.Start(ctx, p, servers.Addresses()); err != nil {
		return nil, errors.Join(err, s.Producer.Close())
	}
	return s, nil
}

// Close ends the processes.
func (s *Subject) Close() error {
	return errors.Join(s.Producer.Close(), s.Worker.Close())
}

// Profile writes CPU profiles of both processes, if they are in Go, to files
// whose names begin with path. An empty path ends the ones before.
func (s *Subject) Profile(path string) error {
	producer, worker := path, path
	if path != "" {
		producer, worker = path+"-producer.pprof", path+"-worker.pprof"
	}
	return errors.Join(s.Producer.Profile(producer), s.Worker.Profile(worker))
}

// spender is a process that uses CPU time.
type spender interface{ CPU() time.Duration }

// measure runs something that handles a number of jobs and says what it took
// from the server and from the process.
func measure(ctx context.Context, store server.Store, process spender, jobs int, run func() error) (Sample, error) {
	before, err := store.Usage(ctx)
	if err != nil {
		return nil, err
	}
	cpu, start := process.CPU(), time.Now()
	if err := run(); err != nil {
		return nil, err
	}
	elapsed := time.Since(start)
	after, err := store.Usage(ctx)
	if err != nil {
		return nil, err
	}
	serverCPU, clientCPU := after.CPU-before.CPU, process.CPU()-cpu
	perJob := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(jobs) }
	return Sample{
		Rate:       float64(jobs) / elapsed.Seconds(),
		ServerCPU:  perJob(serverCPU),
		ClientCPU:  perJob(clientCPU),
		Bytes:      float64(after.Bytes-before.Bytes) / float64(jobs),
		ServerBusy: 100 * serverCPU.Seconds() / elapsed.Seconds(),
		ClientBusy: 100 * clientCPU.Seconds() / elapsed.Seconds(),
	}, nil
}

// drain works off all jobs, which are numbered from 0, and checks that each was
// handled exactly once.
func drain(ctx context.Context, b *Bench, s *Subject, jobs int, opts peer.WorkOptions) (Sample, error) {
	sample, err := measure(ctx, s.Peer.Store(b.Servers), s.Worker, jobs, func() error {
		if err := s.Worker.Work(jobs, 0, opts); err != nil {
			return err
		}
		if err := s.Worker.Await(jobs); err != nil {
			return err
		}
		return awaitFinished(ctx, s.Peer, b.Servers, jobs)
	})
	if err != nil {
		return nil, err
	}
	return sample, checkDelivery(ctx, b, s, jobs)
}

// checkDelivery ends the worker and makes sure that each job was handled
// exactly once and is stored as done.
func checkDelivery(ctx context.Context, b *Bench, s *Subject, jobs int) error {
	got, err := s.Worker.Stop()
	if err != nil {
		return err
	}
	if got.Lost > 0 || got.Repeated > 0 || got.Handled != jobs {
		return fmt.Errorf("%s: of %d jobs, %d were lost and %d handled more than once", s.Peer.Name, jobs, got.Lost, got.Repeated)
	}
	finished, err := s.Peer.Finished(ctx, b.Servers)
	if err == nil && finished != jobs {
		err = fmt.Errorf("%s: %d of %d jobs are stored as done", s.Peer.Name, finished, jobs)
	}
	return err
}

// awaitFinished returns once the store has all jobs as done, which is the same
// moment for every engine, whatever its own hooks say.
func awaitFinished(ctx context.Context, p *peer.Peer, servers peer.Servers, jobs int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := p.Finished(ctx, servers)
		if err != nil {
			return fmt.Errorf("%s: count what is done: %w", p.Name, err)
		}
		if n >= jobs {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %d of %d jobs were done: %w", p.Name, n, jobs, ctx.Err())
		}
	}
}

// everyone lists all engines.
func everyone() []string {
	var keys []string
	for _, p := range peer.All() {
		keys = append(keys, p.Key)
	}
	return keys
}

// bullOnly lists the two engines that share BullMQ's format.
func bullOnly() []string { return []string{peer.JobRunner.Key, peer.Node.Key} }
