// Bench compares JobRunner's engine with npm bullmq and asynq on one Redis
// server of its own: adding jobs one by one, adding them in bulks, and draining
// them with a handler that does nothing.
//
// Rounds are interleaved, each engine in turn, so that what else the machine
// does meets all of them; the median round counts. Every round checks that each
// job was handled exactly once.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// reference is the engine that ratios are taken to.
const reference = "Node BullMQ"

type options struct {
	load
	rounds  int
	engines string
	profile string
	out     string
}

func main() {
	var o options
	flag.IntVar(&o.jobs, "jobs", 50_000, "jobs per phase")
	flag.IntVar(&o.producers, "producers", 64, "producers that add at once")
	flag.IntVar(&o.bulk, "bulk", 1000, "jobs per bulk")
	flag.IntVar(&o.concurrency, "concurrency", 100, "jobs a worker runs at once")
	flag.IntVar(&o.rounds, "rounds", 3, "measured rounds, of which the median counts")
	flag.StringVar(&o.engines, "engines", "jobrunner,node,asynq", "engines to run, separated by commas")
	flag.StringVar(&o.profile, "profile", "", "directory for CPU profiles of JobRunner's phases")
	flag.StringVar(&o.out, "out", "RESULTS.md", "file for the tables; empty writes none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		slog.Error("bench failed", "error", err)
		stop()
		os.Exit(1) //nolint:gocritic // nothing is deferred that matters by now
	}
}

func run(ctx context.Context, o options) (err error) {
	server, err := startRedis(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	machine := describeMachine(ctx, server)
	engines, err := openEngines(ctx, o, server)
	defer func() {
		for _, e := range engines {
			err = errors.Join(err, e.close())
		}
	}()
	if err != nil {
		return err
	}
	samples, err := rounds(ctx, o, server, engines)
	if err != nil {
		return err
	}
	return report(o, machine, engines, samples)
}

func openEngines(ctx context.Context, o options, server *redisServer) ([]engine, error) {
	var engines []engine
	for name := range strings.SplitSeq(o.engines, ",") {
		var e engine
		var err error
		switch name {
		case "jobrunner":
			e, err = newJobRunner(ctx, server)
		case "node":
			e, err = newNode(ctx, server)
		case "asynq":
			e = newAsynq(server, max(o.producers, o.concurrency)+10)
		default:
			err = fmt.Errorf("no engine is called %q", name)
		}
		if err != nil {
			return engines, err
		}
		engines = append(engines, e)
	}
	return engines, nil
}

// rounds runs a small round of each engine that does not count, then the measured ones.
func rounds(ctx context.Context, o options, server *redisServer, engines []engine) (map[string]map[phase][]sample, error) {
	warmup := o.load
	warmup.jobs = min(o.jobs, 5000)
	b := &bench{server: server, samples: map[string]map[phase][]sample{}}
	for _, e := range engines {
		if err := b.round(ctx, e, warmup); err != nil {
			return nil, fmt.Errorf("warm up: %w", err)
		}
	}
	b = &bench{server: server, profile: o.profile, samples: map[string]map[phase][]sample{}}
	order := slices.Clone(engines)
	for range o.rounds {
		for _, e := range order {
			if err := b.round(ctx, e, o.load); err != nil {
				return nil, err
			}
		}
		order = append(order[1:], order[0]) // nobody is always first
	}
	return b.samples, nil
}

func report(o options, machine string, engines []engine, samples map[string]map[phase][]sample) error {
	var doc bytes.Buffer
	fmt.Fprintf(&doc, "# Benchmark\n\n`make bench` writes this page. %d jobs of about 100 bytes of data per phase, median of %d interleaved rounds.\n\n", o.jobs, o.rounds)
	fmt.Fprintf(&doc, "Machine: %s.\n\n", machine)
	for _, e := range engines {
		fmt.Fprintf(&doc, "- %s: %s\n", e.name(), e.version())
	}
	doc.WriteString("\nJobRunner and Node BullMQ keep every finished job with its result, as BullMQ does by default; asynq deletes it. " +
		"asynq has no bulk add. Each job was handled exactly once.\n")
	for _, t := range titles(o.load) {
		table := rows(samples, engines, t.phase, o.jobs, reference)
		if err := writeText(os.Stdout, t.title, t.phase, table); err != nil {
			return err
		}
		writeMarkdown(&doc, t.title, t.phase, table)
	}
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, doc.Bytes(), 0o644) //nolint:gosec // a page that anyone may read
}
