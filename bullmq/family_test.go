package bullmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func TestProcessorAddsChildrenAndWaitsForThem(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(context.Context, *bullmq.Job) (any, error){
		"by its error": func(context.Context, *bullmq.Job) (any, error) { return nil, bullmq.WaitForChildren() },
		"by a move": func(ctx context.Context, job *bullmq.Job) (any, error) {
			if waits, err := job.MoveToWaitingChildren(ctx); waits || err != nil {
				return nil, err
			}
			return job.ChildrenValues(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.work(t, "q", bullmq.WorkerOptions{Concurrency: 4}, func(ctx context.Context, job *bullmq.Job) (any, error) {
				switch {
				case job.Name == "child":
					return 7, nil
				case job.AttemptsStarted > 1:
					return job.ChildrenValues(ctx)
				}
				for range 3 {
					parent := &bullmq.ParentRef{ID: job.ID, Queue: job.Queue.String()}
					if _, err := b.queue.Add(ctx, "child", nil, &bullmq.JobOptions{Parent: parent}); err != nil {
						return nil, err
					}
				}
				return wait(ctx, job)
			})
			parent, err := b.queue.Add(b.ctx, "parent", nil, nil)
			require.NoError(t, err)
			b.waitCount(t, bullmq.StateCompleted, 4)
			read, err := b.queue.Job(b.ctx, parent.ID)
			require.NoError(t, err)
			var values map[string]int
			require.NoError(t, json.Unmarshal(read.ReturnValue, &values))
			require.Len(t, values, 3)
			require.Equal(t, 1, read.AttemptsMade)
		})
	}
}

func TestWaitingForNoChildrenRunsTheJobAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.work(t, "q", bullmq.WorkerOptions{}, func(_ context.Context, job *bullmq.Job) (any, error) {
		if job.AttemptsStarted == 1 {
			return nil, bullmq.WaitForChildren()
		}
		return nil, nil
	})
	b.addMany(t, 1, nil)
	b.waitCount(t, bullmq.StateCompleted, 1)
}

func TestParentDropsChildrenThatHaveNotRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, err := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix}).Add(b.ctx, bullmq.FlowJob{
		Name: "parent", Queue: "q",
		Children: []bullmq.FlowJob{
			{Name: "fails", Queue: "q", Opts: &bullmq.JobOptions{ContinueParentOnFailure: true}},
			{Name: "pending", Queue: "other", Children: []bullmq.FlowJob{{Name: "below", Queue: "other"}}},
		},
	})
	require.NoError(t, err)
	b.work(t, "q", bullmq.WorkerOptions{}, func(ctx context.Context, job *bullmq.Job) (any, error) {
		if job.Name == "fails" {
			return nil, errors.New("broken")
		}
		if err := job.RemoveUnprocessedChildren(ctx); err != nil {
			return nil, err
		}
		return job.IgnoredFailures(ctx)
	})
	b.waitCount(t, bullmq.StateCompleted, 1)
	parent, err := b.queue.Job(b.ctx, flow.Job.ID)
	require.NoError(t, err)
	require.JSONEq(t, fmt.Sprintf(`{"%s:q:%s":"broken"}`, b.prefix, flow.Children[0].Job.ID), string(parent.ReturnValue))
	other := b.newQueue(t, "other")
	counts, err := other.Counts(b.ctx)
	require.NoError(t, err)
	require.Zero(t, counts.Total())
	left, err := parent.DependencyCounts(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.DependencyCounts{Ignored: 1}, left)
}

func TestLargeFamiliesAreRemovedInSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	children := make([]bullmq.FlowJob, 150)
	for i := range children {
		children[i] = bullmq.FlowJob{Name: "child", Queue: "other"}
	}
	middle := bullmq.FlowJob{Name: "middle", Queue: "q", Children: children}
	producer := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix})
	other := b.newQueue(t, "other")
	total := func() int64 {
		counts, err := b.queue.Counts(b.ctx)
		require.NoError(t, err)
		below, err := other.Counts(b.ctx)
		require.NoError(t, err)
		return counts.Total() + below.Total()
	}

	flow, err := producer.Add(b.ctx, bullmq.FlowJob{Name: "top", Queue: "q", Children: []bullmq.FlowJob{middle}})
	require.NoError(t, err)
	worker, err := bullmq.NewWorker(b.backend, "other", nil, &bullmq.WorkerOptions{Prefix: b.prefix})
	require.NoError(t, err)
	taken := make([]*bullmq.Job, 60)
	for i := range taken {
		taken[i], err = worker.NextJob(b.ctx, nil)
		require.NoError(t, err)
	}
	require.ErrorIs(t, flow.Job.Remove(b.ctx, nil), bullmq.ErrJobLocked)
	require.EqualValues(t, 152, total(), "nothing was removed")
	for _, job := range taken {
		require.NoError(t, job.MoveToCompleted(b.ctx, "done"))
	}
	require.NoError(t, flow.Job.Remove(b.ctx, nil))
	require.Zero(t, total())

	flow, err = producer.Add(b.ctx, middle)
	require.NoError(t, err)
	_, err = worker.NextJob(b.ctx, nil)
	require.NoError(t, err)
	require.NoError(t, flow.Job.RemoveUnprocessedChildren(b.ctx))
	require.EqualValues(t, 2, total(), "the parent and the child that is being processed")
}

func TestChildCanPartFromItsParent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, err := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix}).Add(b.ctx, bullmq.FlowJob{
		Name: "parent", Queue: "q", Children: []bullmq.FlowJob{{Name: "child", Queue: "other"}},
	})
	require.NoError(t, err)
	child := flow.Children[0].Job
	parted, err := child.RemoveChildDependency(b.ctx)
	require.NoError(t, err)
	require.True(t, parted)
	state, err := flow.Job.State(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.StateWaiting, state)
	parted, err = child.RemoveChildDependency(b.ctx)
	require.NoError(t, err)
	require.False(t, parted)
}

func TestFlowIsReadAsATree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flows := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{
		Prefix: b.prefix, JobOptions: map[string]*bullmq.JobOptions{"q": {Attempts: 4}},
	})
	leaves := make([]bullmq.FlowJob, 6)
	for i := range leaves {
		leaves[i] = bullmq.FlowJob{Name: "leaf", Queue: "q"}
	}
	added, err := flows.AddBulk(b.ctx, []bullmq.FlowJob{
		{Name: "top", Queue: "q", Children: []bullmq.FlowJob{{Name: "middle", Queue: "other", Children: leaves}}},
		{Name: "lone", Queue: "q"},
	})
	require.NoError(t, err)
	require.Len(t, added, 2)

	whole, err := flows.Flow(b.ctx, bullmq.FlowQuery{Queue: "q", ID: added[0].Job.ID})
	require.NoError(t, err)
	require.Equal(t, "top", whole.Job.Name)
	require.Len(t, whole.Children, 1)
	require.Equal(t, "middle", whole.Children[0].Job.Name)
	require.Len(t, whole.Children[0].Children, 6)
	require.Equal(t, 4, whole.Children[0].Children[0].Job.Opts.Attempts)

	shallow, err := flows.Flow(b.ctx, bullmq.FlowQuery{Queue: "q", ID: added[0].Job.ID, Depth: 2})
	require.NoError(t, err)
	require.Empty(t, shallow.Children[0].Children)
	narrow, err := flows.Flow(b.ctx, bullmq.FlowQuery{Queue: "q", ID: added[0].Job.ID, MaxChildren: 2})
	require.NoError(t, err)
	require.Len(t, narrow.Children[0].Children, 2)
	_, err = flows.Flow(b.ctx, bullmq.FlowQuery{Queue: "q", ID: "none"})
	require.ErrorIs(t, err, bullmq.ErrJobNotFound)
}

func TestQueueAnswersAboutItsJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addMany(t, 2, nil)
	b.addMany(t, 3, &bullmq.JobOptions{Priority: 5})
	b.addMany(t, 4, &bullmq.JobOptions{Delay: time.Hour})
	byPriority, err := b.queue.CountsPerPriority(b.ctx, []int{0, 5, 6})
	require.NoError(t, err)
	require.Equal(t, map[int]int64{0: 2, 5: 3, 6: 0}, byPriority)
	soon, err := b.queue.DelayedCount(b.ctx, time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.Zero(t, soon)
	late, err := b.queue.DelayedCount(b.ctx, time.Now().Add(2*time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 4, late)

	job, err := b.queue.Job(b.ctx, "1")
	require.NoError(t, err)
	for i := range 5 {
		require.NoError(t, job.Log(b.ctx, fmt.Sprint("line ", i)))
	}
	require.NoError(t, job.ClearLogs(b.ctx, 2))
	lines, _, err := job.Logs(b.ctx, 0, -1)
	require.NoError(t, err)
	require.Equal(t, []string{"line 3", "line 4"}, lines)

	id, err := b.queue.PublishEvent(b.ctx, "mine", map[string]string{"answer": "42"})
	require.NoError(t, err)
	require.NotEmpty(t, id)
	_, err = b.queue.PublishEvent(b.ctx, "mine", map[string]string{"event": "other"})
	require.Error(t, err)
	_, err = b.queue.TrimEvents(b.ctx, 0)
	require.NoError(t, err)
}

func TestAFlowIsRefusedWholeIfAJobHasAnotherParent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flows := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix})
	kid := bullmq.FlowJob{Name: "kid", Queue: "q", Opts: &bullmq.JobOptions{ID: "kid"}}
	first, err := flows.Add(b.ctx, bullmq.FlowJob{Name: "first", Queue: "q", Children: []bullmq.FlowJob{kid}})
	require.NoError(t, err)
	second := bullmq.FlowJob{Name: "second", Queue: "q", Children: []bullmq.FlowJob{{Name: "other", Queue: "q"}, kid}}
	_, err = flows.Add(b.ctx, second)
	require.ErrorIs(t, err, bullmq.ErrParentReplaced)
	require.EqualValues(t, 2, b.counts(t).Total(), "nothing of the second flow was added")

	added, err := flows.AddBulk(b.ctx, []bullmq.FlowJob{second, {Name: "third", Queue: "q"}})
	var bulk *bullmq.BulkError
	require.ErrorAs(t, err, &bulk)
	require.Len(t, bulk.Errors, 1)
	require.Nil(t, added[0])
	require.Equal(t, "third", added[1].Job.Name)
	child, err := b.queue.Job(b.ctx, "kid")
	require.NoError(t, err)
	require.Equal(t, first.Job.ID, child.Parent.ID)
}
