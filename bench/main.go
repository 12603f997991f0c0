// Bench compares JobRunner's engine with npm bullmq, asynq and River on servers
// of its own.
//
// Rounds are interleaved, each engine in turn, so that what else the machine
// does meets all of them; the median round counts. Every round checks that each
// job was handled exactly once.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/report"
	"github.com/jobrunner-dev/jobrunner/bench/internal/scenario"
	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

type options struct {
	load      scenario.Load
	rounds    int
	quick     bool
	engines   string
	scenarios string
	profile   string
	out       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := start(ctx, os.Args)
	stop()
	if err != nil {
		slog.Error("bench failed", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, args []string) error {
	if len(args) == 5 && args[1] == peer.HostCommand {
		return peer.Serve(ctx, args[2], peer.Addresses{Redis: args[3], Postgres: args[4]}, os.Stdin, os.Stdout)
	}
	o, err := parse(args[1:])
	if err != nil {
		return err
	}
	return run(ctx, o)
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.load.Jobs, "jobs", 50_000, "jobs that are added and drained")
	flags.IntVar(&o.load.Backlog, "backlog", 1_000_000, "jobs of the long queues")
	flags.DurationVar(&o.load.Arrivals, "arrivals", 5*time.Second, "how long jobs arrive on a clock for")
	flags.IntVar(&o.load.Reloads, "reloads", 1000, "how often a handler is saved while its jobs run")
	flags.IntVar(&o.rounds, "rounds", 5, "measured rounds, of which the median counts")
	flags.BoolVar(&o.quick, "quick", false, "one round of little work, to see that everything runs")
	flags.StringVar(&o.engines, "engines", "jobrunner,node,asynq,river", "engines to run, separated by commas")
	flags.StringVar(&o.scenarios, "scenario", "", "scenarios to run, separated by commas, or what the names of some begin with; all if empty")
	flags.StringVar(&o.profile, "profile", "", "folder for CPU profiles of the engines in Go, of each scenario's last round")
	flags.StringVar(&o.out, "out", "RESULTS.md", "file for the tables; empty writes none")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds = 1
		o.load = scenario.Load{Jobs: min(o.load.Jobs, 5000), Backlog: min(o.load.Backlog, 50_000), Arrivals: time.Second, Reloads: min(o.load.Reloads, 10)}
	}
	return o, nil
}

func run(ctx context.Context, o options) (err error) {
	selected, withHold, err := choose(o)
	if err != nil {
		return err
	}
	b, err := open(ctx, o)
	defer func() { err = errors.Join(err, shut(b)) }()
	if err != nil {
		return err
	}
	page := &report.Page{
		Machine: report.DescribeMachine(ctx, b.Servers), Load: o.load, Rounds: o.rounds,
		Scenarios: selected, Results: report.Results{},
	}
	for _, s := range b.Subjects {
		page.Peers = append(page.Peers, s.Peer)
	}
	for _, s := range selected {
		if err := rounds(ctx, o, b, s, page.Results); err != nil {
			return fmt.Errorf("%s: %w", s.Key, err)
		}
	}
	if withHold {
		if page.Hold, err = scenario.MeasureHold(ctx, o.load.Backlog); err != nil {
			return fmt.Errorf("%s: %w", scenario.HoldKey, err)
		}
	}
	return publish(page, o.out)
}

// choose returns the scenarios that were asked for, and whether the times that
// calls hold Redis were.
func choose(o options) ([]scenario.Scenario, bool, error) {
	all := scenario.All(o.load)
	if o.scenarios == "" {
		return all, true, nil
	}
	var selected []scenario.Scenario
	withHold := false
	for key := range strings.SplitSeq(o.scenarios, ",") {
		found := 0
		for _, s := range all {
			if s.Key == key || strings.HasPrefix(s.Key, key+"-") {
				selected = append(selected, s)
				found++
			}
		}
		switch {
		case key == scenario.HoldKey:
			withHold = true
		case found == 0:
			var keys []string
			for _, s := range all {
				keys = append(keys, s.Key)
			}
			return nil, false, fmt.Errorf("no scenario is called %q; there are %s, %s", key, strings.Join(keys, ", "), scenario.HoldKey)
		}
	}
	return selected, withHold, nil
}

// open starts the servers and the engines' processes. What was started is
// returned with the error.
func open(ctx context.Context, o options) (*scenario.Bench, error) {
	b := &scenario.Bench{}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o750); err != nil {
			return b, err
		}
	}
	var err error
	if b.Servers.Redis, err = server.StartRedis(ctx); err != nil {
		return b, err
	}
	for key := range strings.SplitSeq(o.engines, ",") {
		p := peer.Find(key)
		if p == nil {
			return b, fmt.Errorf("no engine is called %q", key)
		}
		if p == peer.River {
			if b.Servers.Postgres, err = server.StartPostgres(ctx); err != nil {
				return b, err
			}
			if err := peer.MigrateRiver(ctx, b.Servers.Postgres.URL); err != nil {
				return b, err
			}
		}
		s, err := scenario.StartSubject(ctx, p, b.Servers)
		if err != nil {
			return b, err
		}
		b.Subjects = append(b.Subjects, s)
	}
	return b, nil
}

func shut(b *scenario.Bench) error {
	if b == nil {
		return nil
	}
	var errs []error
	errs = append(errs, b.CloseHandlers())
	for _, s := range b.Subjects {
		errs = append(errs, s.Close())
	}
	if b.Servers.Postgres != nil {
		b.Servers.Postgres.Stop()
	}
	if b.Servers.Redis != nil {
		b.Servers.Redis.Stop()
	}
	return errors.Join(errs...)
}

// rounds runs one round of each engine that does not count, then the measured ones.
func rounds(ctx context.Context, o options, b *scenario.Bench, s scenario.Scenario, results report.Results) error {
	if s.Teardown != nil {
		defer s.Teardown(b)
	}
	var order []*scenario.Subject
	for _, subject := range b.Subjects {
		if slices.Contains(s.Peers, subject.Peer.Key) {
			order = append(order, subject)
		}
	}
	if len(order) == 0 {
		return nil
	}
	if s.Setup != nil {
		if err := s.Setup(ctx, b); err != nil {
			return err
		}
	}
	for n := range cmp.Or(s.Rounds, o.rounds) {
		for _, subject := range order {
			start := time.Now()
			samples, err := profiled(o.profile, subject, s.Key, func() (map[string]scenario.Sample, error) {
				return s.Round(ctx, b, subject)
			})
			if err != nil {
				return err
			}
			results.Add(subject.Peer, samples)
			slog.InfoContext(ctx, "measured", "scenario", s.Key, "round", n+1, "engine", subject.Peer.Name,
				"took", time.Since(start).Round(time.Millisecond))
		}
		order = append(order[1:], order[0]) // nobody is always first
	}
	return nil
}

// profiled writes profiles of what run does to a folder; none if its name is empty.
func profiled(
	folder string, s *scenario.Subject, key string, run func() (map[string]scenario.Sample, error),
) (map[string]scenario.Sample, error) {
	if folder == "" {
		return run()
	}
	if err := s.Profile(filepath.Join(folder, s.Peer.Key+"-"+key)); err != nil {
		return nil, err
	}
	samples, err := run()
	return samples, errors.Join(err, s.Profile(""))
}

func publish(page *report.Page, out string) error {
	if err := page.Text(os.Stdout); err != nil {
		return err
	}
	if out == "" {
		return nil
	}
	var text bytes.Buffer
	page.Markdown(&text)
	return os.WriteFile(out, text.Bytes(), 0o644) //nolint:gosec // a page that anyone may read
}
