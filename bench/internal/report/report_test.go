package report

import (
	"testing"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/scenario"
)

func rates(values ...float64) []scenario.Sample {
	var out []scenario.Sample
	for _, v := range values {
		out = append(out, scenario.Sample{scenario.Rate: v})
	}
	return out
}

func TestMedianIsOfTheRoundsThatHaveTheFigure(t *testing.T) {
	r := Results{"m": {"odd": rates(9, 1, 5), "even": rates(4, 2), "none": nil}}
	for engine, want := range map[string]float64{"odd": 5, "even": 3} {
		if got, ok := r.median("m", engine, scenario.Rate); !ok || got != want {
			t.Errorf("median of %s = %v, %v, want %v", engine, got, ok, want)
		}
	}
	if _, ok := r.median("m", "none", scenario.Rate); ok {
		t.Error("no rounds have a median")
	}
}

func TestGoalNeedsEveryBound(t *testing.T) {
	g := rateGoal("drain", "drain", atLeast(peer.Node, 2.5), atLeast(peer.Asynq, 5))
	tests := map[string]struct {
		own, node, asynq float64
		want             string
	}{
		"all hold":       {50, 20, 10, "yes"},
		"one is missed":  {50, 20, 11, "**no**"},
		"peer left out":  {50, 20, 0, "yes"},
		"nothing of own": {0, 20, 10, "–"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := Results{"drain": {}}
			for key, v := range map[string]float64{peer.JobRunner.Key: tt.own, peer.Node.Key: tt.node, peer.Asynq.Key: tt.asynq} {
				if v > 0 {
					r["drain"][key] = rates(v)
				}
			}
			if got := g.reached(r); got != tt.want {
				t.Errorf("reached = %s, want %s", got, tt.want)
			}
		})
	}
}
