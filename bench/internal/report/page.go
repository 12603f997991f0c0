package report

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/scenario"
	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// Page is what the results are shown with.
type Page struct {
	Machine   string
	Load      scenario.Load
	Rounds    int
	Scenarios []scenario.Scenario
	Peers     []*peer.Peer
	Results   Results
	// Hold is nil if the holding of Redis was not measured.
	Hold *scenario.Hold
}

// Text writes the tables for a terminal.
func (p *Page) Text(w io.Writer) error {
	fmt.Fprintln(w)
	if err := summary(p.Results).text(w); err != nil {
		return err
	}
	for _, m := range p.measured() {
		fmt.Fprintf(w, "\n%s\n", m.Title)
		if err := detail(p.Results, m).text(w); err != nil {
			return err
		}
	}
	if p.Hold == nil {
		return nil
	}
	fmt.Fprintf(w, "\n%s\n", holdTitle(p.Hold))
	return hold(p.Hold).text(w)
}

// Markdown writes the page.
func (p *Page) Markdown(w io.Writer) {
	fmt.Fprintf(w, "# Benchmark\n\n`make bench` writes this page; [performance.md](../docs/performance.md) explains it. "+
		"%d jobs of about 100 bytes of data in each drain, medians of %d interleaved rounds.\n\n", p.Load.Jobs, p.Rounds)
	fmt.Fprintf(w, "Machine: %s.\n\n", p.Machine)
	for _, e := range p.Peers {
		fmt.Fprintf(w, "- **%s** %s: %s.\n", e.Name, e.Version(), e.Settings)
	}
	fmt.Fprint(w, "\nEach engine has a process that adds and one that works. A drain is over when the store has all jobs as done. "+
		"In every round each job was handled exactly once and none was lost, or there would be no page. "+
		"Server CPU is that of Redis's main thread or of all of PostgreSQL's processes; bytes are Redis's memory, or the size of River's table with its indexes.\n\n")
	summary(p.Results).markdown(w)
	for _, m := range p.measured() {
		fmt.Fprintf(w, "\n## %s\n\n", m.Title)
		detail(p.Results, m).markdown(w)
	}
	if p.Hold != nil {
		fmt.Fprintf(w, "\n## %s\n\n", holdTitle(p.Hold))
		hold(p.Hold).markdown(w)
	}
}

// measured lists the measures that have results.
func (p *Page) measured() []scenario.Measure {
	var out []scenario.Measure
	for _, s := range p.Scenarios {
		for _, m := range s.Measures {
			if p.Results[m.Key] != nil {
				out = append(out, m)
			}
		}
	}
	return out
}

func holdTitle(h *scenario.Hold) string {
	return fmt.Sprintf("How long one call holds Redis, queues of %d jobs", h.Jobs)
}

func hold(h *scenario.Hold) *table {
	t := &table{header: []string{"operation", "longest call, ms", "command", "median script, ms", "calls over 5 ms", "the whole took, ms"}}
	for _, o := range h.Operations {
		name := o.Name
		if o.Stopped {
			name += " (not ended)"
		}
		t.add(name, milliseconds(o.Longest), o.Command, milliseconds(o.Usual), fmt.Sprint(o.Over), milliseconds(o.Elapsed))
	}
	return t
}

func milliseconds(d time.Duration) string { return number(float64(d.Microseconds()) / 1000) }

// DescribeMachine says in one line what the figures were taken on.
func DescribeMachine(ctx context.Context, servers peer.Servers) string {
	redis := "Redis"
	if info, err := servers.Redis.Info(ctx); err == nil {
		redis = "Redis " + info["redis_version"]
		if v := info["valkey_version"]; v != "" {
			redis = "Valkey " + v
		}
	}
	parts := []string{
		fmt.Sprintf("%d × %s", runtime.NumCPU(), server.FirstValue("/proc/cpuinfo", "model name")),
		server.FirstValue("/proc/meminfo", "MemTotal") + " memory",
		runtime.GOOS + "/" + runtime.GOARCH,
		strings.Replace(runtime.Version(), "go", "Go ", 1),
		redis + " without persistence",
	}
	if servers.Postgres != nil {
		parts = append(parts, fmt.Sprintf("PostgreSQL %s (%s)", servers.Postgres.Version(ctx), strings.Join(server.PostgresSettings, ", ")))
	}
	parts = append(parts, "all on loopback")
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		parts = append(parts, "load average at start "+strings.Fields(string(text))[0])
	}
	return strings.Join(parts, ", ")
}
