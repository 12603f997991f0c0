package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/worker"
)

const (
	versionFile = "version.ts"
	versionName = "version"
	// loadEvery is the time between two jobs while a handler is saved again and again.
	loadEvery = 5 * time.Millisecond
	// reloadTimeout is how long a saved version may take to be seen.
	reloadTimeout = 30 * time.Second
)

// versionFiles are a handler in TypeScript with one dependency from npm.
func versionFiles(version int) map[string]string {
	return map[string]string{
		versionFile:                        versionText(version),
		"node_modules/number/package.json": `{"name":"number","version":"1.0.0","main":"index.js"}`,
		"node_modules/number/index.js":     `exports.number = (text) => Number(text);`,
	}
}

// versionText is a handler that returns the version it is of.
func versionText(version int) string {
	return fmt.Sprintf(`import { defineHandler } from "@jobrunner/handler";
import { number } from "number";

const version: string = "%d";
export default defineHandler({ name: %q, run: (): number => number(version) });
`, version, versionName)
}

// savedHandler measures the time from when a file is saved to the end of the
// first job that its new version has run. Jobs come one after the other.
func savedHandler(load Load) Scenario {
	const key = "handlers-save"
	saves := max(min(load.Reloads/50, 20), 3)
	return Scenario{
		Key: key, Peers: []string{peer.JobRunner.Key}, Setup: openHandlers,
		Measures: []Measure{{key, "From save to the end of the first job on the new version, TypeScript with one dependency", []Figure{P50, Max}}},
		Round: func(ctx context.Context, b *Bench, _ *Subject) (map[string]Sample, error) {
			sample, err := b.handlers.withVersions(ctx, func(path string, _ *worker.Process) (Sample, error) {
				return b.handlers.timeSaves(ctx, path, saves)
			})
			return map[string]Sample{key: sample}, err
		},
	}
}

// withVersions runs a worker of a handler that tells its version, 0 at first.
func (h *handlerBench) withVersions(
	ctx context.Context, run func(path string, w *worker.Process) (Sample, error),
) (sample Sample, err error) {
	dir, err := handlerDir(versionFiles(0))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := h.start(ctx, dir, handlerConcurrency)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Stop()) }()
	return run(filepath.Join(dir, versionFile), w)
}

func (h *handlerBench) timeSaves(ctx context.Context, path string, saves int) (Sample, error) {
	events := h.follow()
	if err := h.probe(ctx, events, 0, time.Now()); err != nil {
		return nil, err
	}
	times := make([]time.Duration, saves)
	for n := range saves {
		start := time.Now()
		if err := save(path, versionText(n+1)); err != nil {
			return nil, err
		}
		if err := h.probe(ctx, events, n+1, start); err != nil {
			return nil, err
		}
		times[n] = time.Since(start)
	}
	p50 := medianMS(times) // sorts
	return Sample{P50: p50, Max: float64(times[saves-1].Microseconds()) / 1000}, nil
}

// probe runs jobs one after the other until one was run by the version.
func (h *handlerBench) probe(ctx context.Context, events *follower, version int, since time.Time) error {
	for time.Since(since) < reloadTimeout {
		job, err := h.queue.Add(ctx, versionName, struct{}{}, nil)
		if err != nil {
			return err
		}
		if err := events.awaitCompleted(ctx, job.ID); err != nil {
			return err
		}
		done, err := h.queue.Job(ctx, job.ID)
		if err != nil {
			return err
		}
		if string(done.ReturnValue) == strconv.Itoa(version) {
			return nil
		}
	}
	return fmt.Errorf("version %d was not seen within %s of its save", version, reloadTimeout)
}

// manyReloads saves a handler again and again while its jobs run, and counts the
// jobs that failed or ran more than once.
func manyReloads(load Load) Scenario {
	const key = "handlers-reload"
	return Scenario{
		Key: key, Peers: []string{peer.JobRunner.Key}, Setup: openHandlers, Rounds: 1,
		Measures: []Measure{{key, "Reloads under load", []Figure{Wrong, Reloads, Jobs, PerReload}}},
		Round: func(ctx context.Context, b *Bench, _ *Subject) (map[string]Sample, error) {
			sample, err := b.handlers.withVersions(ctx, func(path string, _ *worker.Process) (Sample, error) {
				return b.handlers.reload(ctx, path, load.Reloads)
			})
			return map[string]Sample{key: sample}, err
		},
	}
}

func (h *handlerBench) reload(ctx context.Context, path string, reloads int) (Sample, error) {
	start := time.Now()
	var added, seen, ended atomic.Int64
	group, running := errgroup.WithContext(ctx)
	stop := make(chan struct{})
	group.Go(func() error { return h.keepAdding(running, &added, stop) })
	following, enough := context.WithCancel(running)
	defer enough()
	group.Go(func() error { return h.watchVersions(following, &seen, &ended) })
	group.Go(func() error {
		defer close(stop)
		return saveAll(running, path, reloads, &seen)
	})
	<-stop
	elapsed := time.Since(start)
	err := until(running, reloadTimeout, func() bool { return ended.Load() >= added.Load() })
	enough()
	if err := errors.Join(err, group.Wait()); err != nil {
		return nil, err
	}
	wrong, err := h.wrong(ctx, int(added.Load()))
	perReload := float64(elapsed.Milliseconds()) / float64(reloads)
	return Sample{Wrong: float64(wrong), Reloads: float64(reloads), Jobs: float64(added.Load()), PerReload: perReload}, err
}

// saveAll saves one version after the other, each when the one before has run a job.
func saveAll(ctx context.Context, path string, reloads int, seen *atomic.Int64) error {
	for version := int64(1); version <= int64(reloads); version++ {
		if err := save(path, versionText(int(version))); err != nil {
			return err
		}
		if err := until(ctx, reloadTimeout, func() bool { return seen.Load() >= version }); err != nil {
			return fmt.Errorf("version %d did not run a job: %w", version, err)
		}
	}
	return nil
}

// keepAdding adds jobs on a clock until it is told to stop.
func (h *handlerBench) keepAdding(ctx context.Context, added *atomic.Int64, stop <-chan struct{}) error {
	tick := time.NewTicker(2 * loadEvery)
	defer tick.Stop()
	two := []bullmq.BulkJob{{Name: versionName, Data: struct{}{}}, {Name: versionName, Data: struct{}{}}}
	for {
		if _, err := h.queue.AddBulk(ctx, two); err != nil {
			return err
		}
		added.Add(int64(len(two)))
		select {
		case <-tick.C:
		case <-stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchVersions keeps the newest version that a job's result names, and counts
// the jobs that have ended, one way or the other.
func (h *handlerBench) watchVersions(ctx context.Context, newest, ended *atomic.Int64) error {
	events := h.follow()
	for ctx.Err() == nil {
		batch, err := events.next(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for _, e := range batch {
			switch e["event"] {
			case "completed":
				ended.Add(1)
				if version, err := strconv.ParseInt(e["returnvalue"], 10, 64); err == nil && version > newest.Load() {
					newest.Store(version)
				}
			case "failed":
				ended.Add(1)
			}
		}
	}
	return nil
}

// until polls for a condition.
func until(ctx context.Context, limit time.Duration, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
