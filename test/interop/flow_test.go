package interop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Flows have a parent on queue "parents" and children on queue "children". The
// child queue runs dry before the parent's worker starts, so that runs are equal.
const (
	parentQueue = "parents"
	childQueue  = "children"
)

// flowCases are flows and the state their root ends in once all workers have
// done what they can.
var flowCases = map[string]struct {
	children []flowNode
	end      bullmq.JobState
}{
	"children's results": {[]flowNode{
		child("echo", `{"n":1}`, ``), child("nothing", `{}`, ``), child("report", `{}`, ``),
	}, bullmq.StateCompleted},
	"children of children": {[]flowNode{
		{Name: "children", Queue: childQueue, Children: []flowNode{child("echo", `{"n":1}`, ``), child("echo", `{"n":2}`, ``)}},
		child("echo", `{"n":3}`, ``),
	}, bullmq.StateCompleted},
	"a child that retries": {[]flowNode{
		child("flaky", `{"failures":1}`, `"attempts":2`),
	}, bullmq.StateCompleted},
	"a child that is removed on completion": {[]flowNode{
		child("echo", `{"n":1}`, `"removeOnComplete":true`),
	}, bullmq.StateCompleted},
	"a delayed child":      {[]flowNode{child("echo", `{"n":1}`, `"delay":40`)}, bullmq.StateCompleted},
	"prioritized children": {[]flowNode{child("echo", `{"n":1}`, `"priority":2`), child("echo", `{"n":2}`, `"priority":1`)}, bullmq.StateCompleted},
	"a failed child without a policy": {[]flowNode{
		child("fail", `{"message":"no"}`, ``), child("echo", `{}`, ``),
	}, bullmq.StateWaitingChildren},
	"failParentOnFailure": {[]flowNode{
		child("fail", `{"message":"no"}`, `"failParentOnFailure":true`), child("echo", `{}`, ``),
	}, bullmq.StateFailed},
	"failParentOnFailure, twice over": {[]flowNode{
		{Name: "children", Queue: childQueue, Opts: raw(`{"failParentOnFailure":true}`), Children: []flowNode{
			child("fail", `{"message":"no"}`, `"failParentOnFailure":true`),
		}},
	}, bullmq.StateFailed},
	"continueParentOnFailure": {[]flowNode{
		child("fail", `{"message":"no"}`, `"continueParentOnFailure":true`),
	}, bullmq.StateCompleted},
	"continueParentOnFailure with a child that waits": {[]flowNode{
		child("fail", `{"message":"no"}`, `"continueParentOnFailure":true`), child("echo", `{}`, `"delay":3600000`),
	}, bullmq.StateFailed},
	"ignoreDependencyOnFailure": {[]flowNode{
		child("fail", `{"message":"no"}`, `"ignoreDependencyOnFailure":true`), child("echo", `{"n":1}`, ``),
	}, bullmq.StateCompleted},
	"removeDependencyOnFailure": {[]flowNode{
		child("fail", `{"message":"no"}`, `"removeDependencyOnFailure":true`), child("echo", `{"n":1}`, ``),
	}, bullmq.StateCompleted},
	"a failed child that is removed": {[]flowNode{
		child("fail", `{"message":"no"}`, `"removeOnFail":true`),
	}, bullmq.StateCompleted},
}

func child(name, data, opts string) flowNode {
	return flowNode{Name: name, Queue: childQueue, Data: raw(data), Opts: raw("{" + opts + "}")}
}

// named gives every node the id of its place in the tree, for random ids would
// differ from run to run.
func named(n flowNode, path string) flowNode {
	opts := strings.TrimSuffix(string(n.Opts), "}")
	switch opts {
	case "":
		opts = "{"
	case "{":
	default:
		opts += ","
	}
	n.Opts = raw(opts + `"jobId":"` + path + `"}`)
	if n.Data == nil {
		n.Data = raw(`{}`)
	}
	children := n.Children
	n.Children = nil
	for i, c := range children {
		n.Children = append(n.Children, named(c, fmt.Sprintf("%s-%d", path, i)))
	}
	return n
}

// team is who adds a flow, who runs the parent and who its children.
type team struct{ producer, parents, children engine }

func (m team) String() string {
	return fmt.Sprintf("%s adds, %s runs the parent, %s the children", nameOf(m.producer), nameOf(m.parents), nameOf(m.children))
}

// teams is every way for the Go engine to share a flow with one version of npm
// bullmq. The first is the one to be equal to.
func teams(goSide, node, v5 engine) []team {
	all := []team{{node, node, node}, {goSide, goSide, goSide}}
	for _, peer := range []engine{node, v5} {
		for _, producer := range []engine{peer, goSide} {
			for _, parents := range []engine{peer, goSide} {
				for _, children := range []engine{peer, goSide} {
					if m := (team{producer, parents, children}); m.isMixed() {
						all = append(all, m)
					}
				}
			}
		}
	}
	return all
}

func (m team) isMixed() bool { return m.producer != m.parents || m.parents != m.children }

// flowEnding is all that a flow leaves behind.
type flowEnding struct {
	Root              jobView
	Dependencies      dependenciesView
	Parents, Children keyspace
}

func TestFlowsEndAlikeWhoeverRunsTheirParts(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	for name, c := range flowCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := named(flowNode{Name: "children", Queue: parentQueue, Children: c.children}, "root")
			requireAlike(t, teams(goSide, node, newVersion5(t)), func(t *testing.T, m team) flowEnding {
				return runFlow(t, m, root, c.end, node, goSide)
			})
		})
	}
}

func runFlow(t *testing.T, m team, root flowNode, end bullmq.JobState, node, goSide engine) flowEnding {
	t.Helper()
	ctx, parents := testContext(t), newQueue(t)
	parents.Name = parentQueue
	children := bullmq.QueueRef{Prefix: parents.Prefix, Name: childQueue}
	added, err := m.producer.addFlow(ctx, parents.Prefix, root)
	require.NoError(t, err)
	require.Equal(t, "root", added.ID)
	require.Len(t, added.Children, len(root.Children))
	requireSameQueue(t, parents, node, goSide)
	requireSameQueue(t, children, node, goSide)

	stopChildren := m.children.startWorker(t, children, workerOptions{})
	eventually(t, "the children are done", func() (bool, error) {
		counts, err := m.children.counts(ctx, children)
		return counts["waiting"]+counts["prioritized"]+counts["active"]+counts["waiting-children"] == 0 &&
			(counts["delayed"] == 0 || end == bullmq.StateFailed), err
	})
	stopParents := m.parents.startWorker(t, parents, workerOptions{})
	awaitState(t, ctx, m.parents, parents, "root", end)
	stopChildren()
	stopParents()

	requireSameQueue(t, children, node, goSide)
	e := flowEnding{
		Root:         requireSameJob(t, parents, "root", node, goSide).outcome(),
		Dependencies: requireSameDependencies(t, parents, "root", node, goSide),
	}
	for q, keys := range map[bullmq.QueueRef]*keyspace{parents: &e.Parents, children: &e.Children} {
		d, err := dump(ctx, redisOf(t), q)
		require.NoError(t, err)
		*keys = d.timeless()
	}
	e, err = withoutPrefix(e, parents.Prefix)
	require.NoError(t, err)
	return e
}

func requireSameDependencies(t *testing.T, q bullmq.QueueRef, id string, node, goSide engine) dependenciesView {
	t.Helper()
	ctx := testContext(t)
	want, err := node.dependencies(ctx, q, id)
	require.NoError(t, err)
	got, err := goSide.dependencies(ctx, q, id)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want.normal(), got.normal()), "-Node +Go")
	return want.normal()
}
