package report

import (
	"fmt"
	"strings"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/scenario"
)

// goal is something that JobRunner is to reach, in relation to its peers.
type goal struct {
	title string
	unit  string
	// value is an engine's figure.
	value func(r Results, engine string) (float64, bool)
	// versus are the bounds of JobRunner's figure as a multiple of a peer's.
	versus []bound
	// below and atLeast bound the figure itself; 0 means no bound.
	below, atLeast float64
}

// bound limits JobRunner's figure divided by that of another engine.
type bound struct {
	engine string
	factor float64
	atMost bool
}

func atLeast(engine *peer.Peer, factor float64) bound { return bound{engine.Key, factor, false} }
func atMost(engine *peer.Peer, factor float64) bound  { return bound{engine.Key, factor, true} }

func (b bound) holds(ratio float64) bool {
	if b.atMost {
		return ratio <= b.factor
	}
	return ratio >= b.factor
}

func (b bound) String() string {
	sign := "≥"
	if b.atMost {
		sign = "≤"
	}
	return fmt.Sprintf("%s %g × %s", sign, b.factor, peer.Find(b.engine).Name)
}

func of(measure string, f scenario.Figure) func(Results, string) (float64, bool) {
	return func(r Results, engine string) (float64, bool) { return r.median(measure, engine, f) }
}

// serverCPU is what adding a job and processing it cost the server together.
func serverCPU(add string) func(Results, string) (float64, bool) {
	return func(r Results, engine string) (float64, bool) {
		a, ok := r.median(add, engine, scenario.ServerCPU)
		d, found := r.median("drain", engine, scenario.ServerCPU)
		return a + d, ok && found
	}
}

// backlogShare is the rate of a drain out of a long queue in relation to that of a short one.
func backlogShare(r Results, engine string) (float64, bool) {
	large, ok := r.median("backlog", engine, scenario.Rate)
	small, found := r.median("backlog-none", engine, scenario.Rate)
	return large / max(small, 1), ok && found
}

// compiledShare is the rate of a compiled-in handler in relation to that of the engine alone.
func compiledShare(r Results, engine string) (float64, bool) {
	compiled, ok := r.median("handlers-compiled", engine, scenario.Rate)
	bare, found := r.median("handlers-bare", engine, scenario.Rate)
	return compiled / max(bare, 1), ok && found
}

func rateGoal(measure, title string, versus ...bound) goal {
	return goal{title: title, unit: "jobs/s", value: of(measure, scenario.Rate), versus: versus}
}

func goals() []goal {
	node, asynq, river := peer.Node, peer.Asynq, peer.River
	leastOfAll := []bound{atMost(node, 1), atMost(asynq, 1), atMost(river, 1)}
	g := []goal{
		rateGoal("drain", "drain, concurrency 100", atLeast(node, 2.5), atLeast(asynq, 5), atLeast(river, 2)),
		{title: "Redis CPU, add + process", unit: "µs/job", value: serverCPU("add"), versus: []bound{atMost(node, 0.4)}},
		rateGoal("add", "add, 64 producers", atLeast(node, 1.5)),
		rateGoal("bulk", "add, in bulks of 1000", atLeast(node, 4)),
	}
	for _, l := range []struct{ key, title string }{{"latency-idle", "latency, idle worker"}, {"latency-busy", "latency, 1,000 jobs/s"}} {
		g = append(g,
			goal{title: l.title + ", p50", unit: "ms", value: of(l.key, scenario.P50), versus: []bound{atMost(node, 1)}, below: 1},
			goal{title: l.title + ", p99", unit: "ms", value: of(l.key, scenario.P99), versus: []bound{atMost(node, 1)}})
	}
	return append(g,
		goal{title: "drain out of the long backlog", unit: "× of its own drain", value: backlogShare, atLeast: 0.9},
		rateGoal(string(peer.Delayed), "drain, delayed", atLeast(node, 2)),
		rateGoal(string(peer.Prioritized), "drain, prioritized", atLeast(node, 2)),
		rateGoal("limit-loose", "drain, rate limit that does not bind", atLeast(node, 2)),
		rateGoal("limit-tight", "drain, rate limit of 5,000 jobs/s"),
		rateGoal(string(peer.Flow), "drain, flows", atLeast(node, 2)),
		goal{title: "worker's memory, concurrency 1,000", unit: "MB", value: of("memory", scenario.Memory), versus: leastOfAll},
		goal{title: "Redis memory of a waiting job", unit: "bytes", value: of("add", scenario.Bytes), versus: []bound{atMost(node, 1)}},
		rateGoal("payload-add-10 KB", "add, 10 KB"),
		rateGoal("payload-drain-10 KB", "drain, 10 KB"),
		rateGoal("payload-add-100 KB", "add, 100 KB"),
		rateGoal("payload-drain-100 KB", "drain, 100 KB"),
		rateGoal("handlers-node", "Node handler, concurrency 50", atLeast(node, 0.8)),
		goal{title: "compiled-in handler", unit: "× of the engine's own drain", value: compiledShare, atLeast: 0.9},
		goal{title: "what a warm child adds to a job, p50", unit: "ms", value: of("handlers-child", scenario.Added), below: 0.5},
		goal{title: "save to first job on the new version, p50", unit: "ms", value: of("handlers-save", scenario.P50), below: 500},
		goal{title: "reloads under load, failed or run twice", unit: "jobs", value: of("handlers-reload", scenario.Wrong), below: 1},
		goal{title: "memory of an idle worker with 50 handlers", unit: "MB", value: of("handlers-idle", scenario.Resident), below: 60},
		goal{title: "child processes of it", unit: "processes", value: of("handlers-idle", scenario.Children), below: 1},
	)
}

// target says in words what is to be reached.
func (g goal) target() string {
	var parts []string
	for _, b := range g.versus {
		parts = append(parts, b.String())
	}
	if g.below > 0 {
		parts = append(parts, fmt.Sprintf("< %g %s", g.below, g.unit))
	}
	if g.atLeast > 0 {
		parts = append(parts, fmt.Sprintf("≥ %g", g.atLeast))
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, ", ")
}

// reached judges the results; empty if nothing was asked or measured.
func (g goal) reached(r Results) string {
	own, ok := g.value(r, peer.JobRunner.Key)
	if !ok || len(g.versus) == 0 && g.below == 0 && g.atLeast == 0 {
		return "–"
	}
	yes := (g.below == 0 || own < g.below) && own >= g.atLeast
	for _, b := range g.versus {
		if other, ok := g.value(r, b.engine); ok && other > 0 {
			yes = yes && b.holds(own/other)
		}
	}
	if yes {
		return "yes"
	}
	return "**no**"
}
