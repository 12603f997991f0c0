package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

// load says how much work one round is.
type load struct {
	jobs        int
	producers   int
	bulk        int
	concurrency int
}

type phase string

const (
	phaseAdd   phase = "add"
	phaseBulk  phase = "bulk"
	phaseDrain phase = "drain"
)

// sample is one phase of one engine in one round.
type sample struct {
	elapsed time.Duration
	cpu     time.Duration // of Redis
	memory  int64         // growth of Redis in bytes
}

// drainTimeout ends a round in which an engine has lost jobs.
const drainTimeout = 5 * time.Minute

// bench runs engines in turn on one server.
type bench struct {
	server  *redisServer
	profile string
	samples map[string]map[phase][]sample // by engine
}

// round lets an engine add in bulks, then add one by one and drain what it added.
func (b *bench) round(ctx context.Context, e engine, l load) error {
	if err := b.server.flush(ctx); err != nil {
		return err
	}
	err := b.measure(ctx, e, phaseBulk, func() error { return e.addBulk(ctx, l.jobs, l.bulk) })
	if err != nil && !errors.Is(err, errNotOffered) {
		return err
	}
	if err := b.server.flush(ctx); err != nil {
		return err
	}
	if err := b.measure(ctx, e, phaseAdd, func() error { return e.add(ctx, l.jobs, l.producers) }); err != nil {
		return err
	}
	var worker drain
	if err := b.measure(ctx, e, phaseDrain, func() (err error) {
		if worker, err = e.startWorker(ctx, l.jobs, l.concurrency); err != nil {
			return err
		}
		return awaitFinished(ctx, e, l.jobs)
	}); err != nil {
		return err
	}
	got, err := worker.stop()
	if err == nil && got != (delivery{}) {
		err = fmt.Errorf("%d jobs lost, %d handled more than once", got.Lost, got.Repeated)
	}
	return err
}

// measure runs one phase and keeps what it took.
func (b *bench) measure(ctx context.Context, e engine, p phase, run func() error) error {
	runtime.GC() // what earlier phases left behind is not this one's cost
	before, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	stop, err := startProfile(b.profile, e, p)
	if err != nil {
		return err
	}
	start := time.Now()
	err = run()
	elapsed := time.Since(start)
	stop()
	if err != nil {
		return fmt.Errorf("%s: %s: %w", e.name(), p, err)
	}
	after, err := b.server.usage(ctx)
	if err != nil {
		return err
	}
	s := sample{elapsed: elapsed, cpu: after.cpu - before.cpu, memory: after.memory - before.memory}
	slog.InfoContext(ctx, "measured", "engine", e.name(), "phase", p,
		"elapsed", s.elapsed.Round(time.Millisecond), "redis_cpu", s.cpu.Round(time.Millisecond))
	if b.samples[e.name()] == nil {
		b.samples[e.name()] = map[phase][]sample{}
	}
	b.samples[e.name()][p] = append(b.samples[e.name()][p], s)
	return nil
}

// awaitFinished returns once Redis has all jobs as done, which is the same
// moment for every engine, whatever its own hooks say.
func awaitFinished(ctx context.Context, e engine, jobs int) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := e.finished(ctx)
		if err != nil {
			return fmt.Errorf("%d of %d jobs were done: %w", n, jobs, err)
		}
		if n >= jobs {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d jobs were done: %w", n, jobs, ctx.Err())
		}
	}
}
