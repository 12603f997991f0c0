package bullmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func (b *bench) addFlow(t *testing.T, flow bullmq.FlowJob) *bullmq.FlowResult {
	t.Helper()
	result, err := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix}).Add(b.ctx, flow)
	require.NoError(t, err)
	return result
}

func TestFlowRunsChildrenBeforeParents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := b.addFlow(t, bullmq.FlowJob{
		Name: "sum", Queue: "q", Children: []bullmq.FlowJob{
			{Name: "number", Queue: "numbers", Data: 1},
			{Name: "sum", Queue: "q", Children: []bullmq.FlowJob{
				{Name: "number", Queue: "numbers", Data: 2},
				{Name: "number", Queue: "numbers", Data: 3, Opts: &bullmq.JobOptions{Priority: 4}},
			}},
		},
	})
	state, err := flow.Job.State(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.StateWaitingChildren, state)

	b.work(t, "numbers", bullmq.WorkerOptions{Concurrency: 2}, func(_ context.Context, job *bullmq.Job) (any, error) {
		return job.Data, nil
	})
	b.work(t, "q", bullmq.WorkerOptions{}, func(ctx context.Context, job *bullmq.Job) (any, error) {
		values, err := job.ChildrenValues(ctx)
		if err != nil {
			return nil, err
		}
		sum := 0
		for _, v := range values {
			var n int
			if err := json.Unmarshal(v, &n); err != nil {
				return nil, err
			}
			sum += n
		}
		return sum, nil
	})
	b.waitCount(t, bullmq.StateCompleted, 2)
	root, err := b.queue.Job(b.ctx, flow.Job.ID)
	require.NoError(t, err)
	require.JSONEq(t, "6", string(root.ReturnValue))
	child, err := b.newQueue(t, "numbers").Job(b.ctx, flow.Children[0].Job.ID)
	require.NoError(t, err)
	require.Equal(t, &bullmq.ParentRef{ID: flow.Job.ID, Queue: b.queue.Ref().String()}, child.Parent)
	require.Equal(t, b.queue.Ref().JobKey(flow.Job.ID), child.ParentKey)
}

func TestFlowFailurePolicies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts   bullmq.JobOptions
		parent bullmq.JobState
		reason func(child string) string
		deps   func(child string) bullmq.Dependencies
	}{
		"no policy: the parent goes on waiting": {
			bullmq.JobOptions{},
			bullmq.StateWaitingChildren, nil,
			func(child string) bullmq.Dependencies { return bullmq.Dependencies{Unprocessed: []string{child}} },
		},
		"fail parent": {
			bullmq.JobOptions{FailParentOnFailure: true},
			bullmq.StateFailed,
			func(child string) string { return "child " + child + " failed" },
			func(child string) bullmq.Dependencies { return bullmq.Dependencies{Failed: []string{child}} },
		},
		"continue parent": {
			bullmq.JobOptions{ContinueParentOnFailure: true},
			bullmq.StateCompleted, nil,
			func(child string) bullmq.Dependencies {
				return bullmq.Dependencies{Ignored: map[string]string{child: "broken"}}
			},
		},
		"ignore dependency": {
			bullmq.JobOptions{IgnoreDependencyOnFailure: true},
			bullmq.StateCompleted, nil,
			func(child string) bullmq.Dependencies {
				return bullmq.Dependencies{Ignored: map[string]string{child: "broken"}}
			},
		},
		"remove dependency": {
			bullmq.JobOptions{RemoveDependencyOnFailure: true},
			bullmq.StateCompleted, nil,
			func(string) bullmq.Dependencies { return bullmq.Dependencies{} },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			flow := b.addFlow(t, bullmq.FlowJob{Name: "parent", Queue: "q", Children: []bullmq.FlowJob{
				{Name: "child", Queue: "children", Opts: &tt.opts},
			}})
			b.work(t, "children", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) {
				return nil, errors.New("broken")
			})
			children := b.newQueue(t, "children")
			eventually(t, "failed child", func() bool {
				c, err := children.Counts(b.ctx)
				require.NoError(t, err)
				return c[bullmq.StateFailed] == 1
			})
			b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) { return "ran", nil })
			b.waitCount(t, tt.parent, 1)
			parent, err := b.queue.Job(b.ctx, flow.Job.ID)
			require.NoError(t, err)
			key := children.Ref().JobKey(flow.Children[0].Job.ID)
			if tt.reason != nil {
				require.Equal(t, tt.reason(key), parent.FailedReason)
			}
			got, err := parent.Dependencies(b.ctx)
			require.NoError(t, err)
			want := tt.deps(key)
			require.Empty(t, got.Processed)
			require.ElementsMatch(t, want.Unprocessed, got.Unprocessed)
			require.ElementsMatch(t, want.Failed, got.Failed)
			require.Len(t, got.Ignored, len(want.Ignored))
			require.Subset(t, got.Ignored, want.Ignored)
		})
	}
}

func TestFlowRefusesNamesTheNode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	producer := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix, MaxNodes: 3})
	tests := map[string]struct {
		flow  bullmq.FlowJob
		field string
	}{
		"child without a queue": {
			bullmq.FlowJob{Name: "p", Queue: "q", Children: []bullmq.FlowJob{{Name: "a", Queue: "q"}, {Name: "b"}}}, "children[1].queue",
		},
		"priority of a grandchild": {
			bullmq.FlowJob{Name: "p", Queue: "q", Children: []bullmq.FlowJob{{Name: "a", Queue: "q", Children: []bullmq.FlowJob{
				{Name: "b", Queue: "q", Opts: &bullmq.JobOptions{Priority: -4}},
			}}}}, "children[0].children[0].priority",
		},
		"too many nodes": {
			bullmq.FlowJob{Name: "p", Queue: "q", Children: []bullmq.FlowJob{
				{Name: "a", Queue: "q"}, {Name: "b", Queue: "q"}, {Name: "c", Queue: "q"},
			}}, "children",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := producer.Add(b.ctx, tt.flow)
			var refused *bullmq.ValidationError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.field, refused.Field)
		})
	}
	require.Zero(t, b.counts(t).Total())
}

func TestRemovingParentRemovesChildren(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := b.addFlow(t, bullmq.FlowJob{Name: "p", Queue: "q", Children: []bullmq.FlowJob{
		{Name: "a", Queue: "children"}, {Name: "b", Queue: "children"},
	}})
	require.NoError(t, flow.Job.Remove(b.ctx, nil))
	require.Zero(t, b.counts(t).Total())
	left, err := b.newQueue(t, "children").Counts(b.ctx)
	require.NoError(t, err)
	require.Zero(t, left.Total())
}

func TestParentThatCompletesTooEarlyFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := b.addFlow(t, bullmq.FlowJob{Name: "parent", Queue: "q", Children: []bullmq.FlowJob{
		{Name: "bad", Queue: "children", Opts: &bullmq.JobOptions{ContinueParentOnFailure: true}},
		{Name: "late", Queue: "children", Opts: &bullmq.JobOptions{Delay: time.Hour}},
	}})
	fail := func(context.Context, *bullmq.Job) (any, error) { return nil, errors.New("broken") }
	b.work(t, "children", bullmq.WorkerOptions{}, fail)
	b.work(t, "q", bullmq.WorkerOptions{Hooks: bullmq.WorkerHooks{Error: func(error) {}}},
		func(context.Context, *bullmq.Job) (any, error) { return "early", nil })
	b.waitCount(t, bullmq.StateFailed, 1)
	parent, err := b.queue.Job(b.ctx, flow.Job.ID)
	require.NoError(t, err)
	require.Equal(t, "Job "+flow.Job.ID+" has pending dependencies. moveToFinished", parent.FailedReason)
	require.Equal(t, 1, parent.AttemptsMade)
}
