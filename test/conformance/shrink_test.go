package conformance_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/test/conformance"
)

// tellSmallest logs, when the test ends, the smallest scenario that still fails
// of what rapid left in found. Rapid shrinks what it drew; this drops whole steps,
// which it finds hard where later ones depend on them.
func tellSmallest(t *testing.T, b *bench, found *conformance.Scenario) {
	t.Helper()
	t.Cleanup(func() {
		if len(found.Steps) == 0 {
			return
		}
		ctx := context.WithoutCancel(t.Context())
		smallest, failure := smaller(*found, func(s conformance.Scenario) string { return b.compareThreeWays(ctx, t, s) })
		text, err := json.Marshal(object{"name": "describe what it shows", "steps": smallest.Steps})
		if err != nil {
			t.Log(err)
		}
		t.Logf("%s\nto keep in cases/random.json: %s", failure, text)
	})
}

// smaller drops steps for as long as the scenario fails without them, and returns
// how it fails then.
func smaller(s conformance.Scenario, fails func(conformance.Scenario) string) (conformance.Scenario, string) {
	failure := fails(s)
	for n := max(len(s.Steps)/2, 1); failure != "" && n >= 1; n /= 2 {
		for i := 0; i+n <= len(s.Steps); {
			shorter := s
			shorter.Steps = slices.Delete(slices.Clone(s.Steps), i, i+n)
			if f := fails(shorter); f != "" {
				s, failure = shorter, f
			} else {
				i++
			}
		}
	}
	return s, failure
}

func TestAScenarioShrinksToTheStepsThatMatter(t *testing.T) {
	t.Parallel()
	var s conformance.Scenario
	for _, op := range []string{"a", "fault", "b", "c", "cause", "d", "e"} {
		s.Steps = append(s.Steps, conformance.Step{Op: op})
	}
	has := func(s conformance.Scenario, op string) bool {
		return slices.ContainsFunc(s.Steps, func(step conformance.Step) bool { return step.Op == op })
	}
	smallest, failure := smaller(s, func(s conformance.Scenario) string {
		if has(s, "fault") && has(s, "cause") {
			return "broken"
		}
		return ""
	})
	require.Equal(t, "broken", failure)
	require.Equal(t, []conformance.Step{{Op: "fault"}, {Op: "cause"}}, smallest.Steps)
}
