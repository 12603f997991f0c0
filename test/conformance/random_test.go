package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/test/conformance"
)

// object is a JSON object.
type object map[string]any

// randomScenario draws operations on two queues that share a few ids, so that
// they meet. Every fetch has the same token, so that any active job can be ended.
func randomScenario(t *rapid.T) conformance.Scenario {
	operations := one(t, families...)
	step := rapid.Custom(func(t *rapid.T) object { return randomStep(t, operations) })
	steps := slices.Concat(rapid.SliceOfN(rapid.SliceOfN(step, 1, 8), 1, 12).Draw(t, "steps")...)
	var all []object
	for _, step := range steps {
		then, _ := step["then"].([]object)
		delete(step, "then")
		all = append(append(all, step), then...)
	}
	now := int64(0)
	for i, step := range all {
		if root, ok := step["flow"].(object); ok {
			renameChildren(root, i)
		}
		if pause := step["pause"].(int64); pause > 0 {
			now += pause
			step["at"] = now
		}
		delete(step, "pause")
	}
	s := conformance.Scenario{Name: "random"}
	text, err := json.Marshal(all)
	if err == nil {
		err = json.Unmarshal(text, &s.Steps)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// renameChildren gives the nodes below the root of a flow ids that no other job
// has: both engines leave a parent behind whose children belong to another one.
func renameChildren(node object, flow int) {
	children, _ := node["children"].([]object)
	for _, child := range children {
		opts := child["opts"].(object)
		opts["jobId"] = fmt.Sprintf("%s%d", opts["jobId"], flow)
		renameChildren(child, flow)
	}
}

func randomStep(t *rapid.T, operations []operation) object {
	total := 0
	for _, op := range operations {
		total += op.weight
	}
	n := index(t, total)
	i := 0
	for n >= operations[i].weight {
		n -= operations[i].weight
		i++
	}
	step := operations[i].draw(t)
	queue := "q"
	if step["queue"] != nil {
		queue = step["queue"].(string)
	} else if index(t, 5) == 4 {
		queue = "p"
	}
	then, _ := step["then"].([]object)
	for _, s := range append(then, step) {
		if s["op"] == nil {
			s["op"] = operations[i].name
		}
		s["queue"] = queue
		s["pause"] = one[int64](t, 0, 0, 0, 1, 700, 5000, 31_000)
		s["engine"] = one(t, "go", "node")
	}
	return step
}

// bits draws numbers below 1024, each as likely as the others; rapid's own ranges
// prefer small numbers.
var bits = rapid.Custom(func(t *rapid.T) int {
	n := 0
	for range 10 {
		n *= 2
		if rapid.Bool().Draw(t, "bit") {
			n++
		}
	}
	return n
})

// index draws a number below n.
func index(t *rapid.T, n int) int { return bits.Draw(t, "index") * n / 1024 }

// one draws one of the choices.
func one[T any](t *rapid.T, choices ...T) T { return choices[index(t, len(choices))] }

// operation is a kind of step that a random scenario may have. Steps that follow it
// stand in its member "then".
type operation struct {
	name   string
	weight int
	draw   func(t *rapid.T) object
}

// TestRandomScenariosLeaveTheSameInRedis plays random scenarios three times: on
// Node, on Go, and with an engine drawn for each step. All must end the same, and
// the invariants must hold after every step. The flag -rapid.checks says how many.
func TestRandomScenariosLeaveTheSameInRedis(t *testing.T) {
	b := newBench(t)
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane %d", lane), func(t *testing.T) {
			t.Parallel()
			var found conformance.Scenario
			tellSmallest(t, b, &found)
			rapid.Check(t, func(rt *rapid.T) {
				s := randomScenario(rt)
				if failure := b.compareThreeWays(t.Context(), t, s); failure != "" {
					found = s
					rt.Fatal(failure)
				}
			})
		})
	}
}

// compareThreeWays returns where Node alone, Go alone, and both by turns differ,
// or which invariant does not hold.
func (b *bench) compareThreeWays(ctx context.Context, t testing.TB, s conformance.Scenario) string {
	t.Helper()
	goEngine := <-b.free
	defer func() { b.free <- goEngine }()
	prefix := testenv.Prefix(t)
	byTurns := func(step conformance.Step) conformance.Engine {
		if step.Engine == "go" {
			return goEngine
		}
		return b.node
	}
	want, err := conformance.Run(ctx, b.client, prefix, s, conformance.Always(b.node), nil)
	if err != nil {
		return "node: " + err.Error()
	}
	for name, turn := range map[string]conformance.Turn{"go": conformance.Always(goEngine), "mixed": byTurns} {
		got, err := conformance.Run(ctx, b.client, prefix, s, turn, checkInvariants)
		if err != nil {
			return name + ": " + err.Error()
		}
		differences, err := conformance.Diff(withoutReplies(want), withoutReplies(got))
		if err != nil {
			return err.Error()
		}
		if len(differences) > 0 {
			return differences.Format("node", name)
		}
	}
	return ""
}

// withoutReplies leaves out the answers of operations that this engine refuses
// for a missing job where Node does not (see deviations). Their effect is compared.
func withoutReplies(o *conformance.Outcome) *conformance.Outcome {
	rest := &conformance.Outcome{Keys: o.Keys}
	for _, answer := range o.Answers {
		switch answer.Op {
		case "remove", "promote", "removeChildDependency", "removeUnprocessedChildren", "removeJobDeduplicationKey":
			answer = conformance.Answer{Op: answer.Op}
		}
		rest.Answers = append(rest.Answers, answer)
	}
	return rest
}
