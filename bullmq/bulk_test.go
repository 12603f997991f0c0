package bullmq_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func (b *bench) addMany(t *testing.T, n int, opts *bullmq.JobOptions) {
	t.Helper()
	bulk := make([]bullmq.BulkJob, n)
	for i := range bulk {
		bulk[i] = bullmq.BulkJob{Name: "job", Data: i, Opts: opts}
	}
	_, err := b.queue.AddBulk(b.ctx, bulk)
	require.NoError(t, err)
}

func TestRetryJobsPutsAllBackWithTheirPriority(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addMany(t, 450, nil)
	b.addMany(t, 3, &bullmq.JobOptions{Priority: 7})
	stop := b.work(t, "q", bullmq.WorkerOptions{Concurrency: 50}, func(context.Context, *bullmq.Job) (any, error) {
		return nil, errors.New("no")
	})
	b.waitCount(t, bullmq.StateFailed, 453)
	stop()
	n, err := b.queue.RetryJobs(b.ctx, bullmq.RetryJobsOptions{Before: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	require.Zero(t, n, "none failed so long ago")
	n, err = b.queue.RetryJobs(b.ctx, bullmq.RetryJobsOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 453, n)
	counts := b.counts(t)
	require.EqualValues(t, 450, counts[bullmq.StateWaiting])
	require.EqualValues(t, 3, counts[bullmq.StatePrioritized])
	jobs, err := b.queue.Jobs(b.ctx, bullmq.JobsQuery{State: bullmq.StateWaiting, Start: 0, End: 0})
	require.NoError(t, err)
	require.Empty(t, jobs[0].FailedReason)
	require.True(t, jobs[0].FinishedOn.IsZero())
}

func TestPromoteJobsLetsAllDelayedJobsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addMany(t, 401, &bullmq.JobOptions{Delay: time.Hour})
	n, err := b.queue.PromoteJobs(b.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 401, n)
	require.EqualValues(t, 401, b.counts(t)[bullmq.StateWaiting])
	for job, err := range b.queue.All(b.ctx, bullmq.StateWaiting) {
		require.NoError(t, err)
		require.Zero(t, job.Delay)
	}
}

func TestDrainKeepsWhatIsPlannedActiveOrFinished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.queue.UpsertJobScheduler(b.ctx, "now", bullmq.RepeatOptions{Every: time.Hour}, bullmq.JobTemplate{})
	require.NoError(t, err)
	b.addMany(t, 700, nil)
	b.addMany(t, 300, &bullmq.JobOptions{Priority: 1})
	b.addMany(t, 300, &bullmq.JobOptions{Delay: time.Hour})
	require.NoError(t, b.queue.Drain(b.ctx, false))
	counts := b.counts(t)
	require.EqualValues(t, 1, counts[bullmq.StateWaiting], "the scheduler's job")
	require.Zero(t, counts[bullmq.StatePrioritized])
	require.EqualValues(t, 300, counts[bullmq.StateDelayed])
	require.NoError(t, b.queue.Drain(b.ctx, true))
	require.Zero(t, b.counts(t)[bullmq.StateDelayed])
}

func TestDrainTakesParentsAlongThatWaitForNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flows := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix})
	own, err := flows.Add(b.ctx, bullmq.FlowJob{
		Name: "own", Queue: "q", Children: []bullmq.FlowJob{{Name: "child", Queue: "q"}},
	})
	require.NoError(t, err)
	other, err := flows.Add(b.ctx, bullmq.FlowJob{
		Name: "other", Queue: "p", Children: []bullmq.FlowJob{{Name: "child", Queue: "q"}},
	})
	require.NoError(t, err)
	require.NoError(t, b.queue.Drain(b.ctx, false))
	_, err = b.queue.Job(b.ctx, own.Job.ID)
	require.ErrorIs(t, err, bullmq.ErrJobNotFound)
	state, err := other.Job.State(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.StateWaiting, state)
}

func TestCleanDeletesOldJobsOfOneState(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-time.Hour)
	for _, tc := range []struct {
		state bullmq.JobState
		opts  bullmq.JobOptions
	}{
		{bullmq.StateWaiting, bullmq.JobOptions{}},
		{bullmq.StatePrioritized, bullmq.JobOptions{Priority: 3}},
		{bullmq.StateDelayed, bullmq.JobOptions{Delay: 48 * time.Hour}},
	} {
		t.Run(string(tc.state), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			young := tc.opts
			b.addMany(t, 10, &young)
			aged := tc.opts
			aged.Timestamp = old
			b.addMany(t, 600, &aged)
			b.addMany(t, 10, &young)

			ids, err := b.queue.Clean(b.ctx, bullmq.CleanOptions{State: tc.state, Grace: 10 * time.Minute, Limit: 5})
			require.NoError(t, err)
			require.Len(t, ids, 5)
			ids, err = b.queue.Clean(b.ctx, bullmq.CleanOptions{State: tc.state, Grace: 10 * time.Minute})
			require.NoError(t, err)
			require.Len(t, ids, 595)
			require.EqualValues(t, 20, b.counts(t)[tc.state])
			var order []string
			for job, err := range b.queue.All(b.ctx, tc.state) {
				require.NoError(t, err)
				order = append(order, job.ID)
			}
			require.Len(t, order, 20)
			require.IsIncreasing(t, idNumbers(t, order), "those that stay keep their order")
		})
	}
}

func idNumbers(t *testing.T, ids []string) []int {
	t.Helper()
	numbers := make([]int, len(ids))
	for i, id := range ids {
		_, err := fmt.Sscan(id, &numbers[i])
		require.NoError(t, err)
	}
	return numbers
}

func TestCleanFinishedJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addMany(t, 520, nil)
	stop := b.work(t, "q", bullmq.WorkerOptions{Concurrency: 50}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	b.waitCount(t, bullmq.StateCompleted, 520)
	stop()
	ids, err := b.queue.Clean(b.ctx, bullmq.CleanOptions{State: bullmq.StateCompleted, Grace: time.Hour})
	require.NoError(t, err)
	require.Empty(t, ids)
	ids, err = b.queue.Clean(b.ctx, bullmq.CleanOptions{State: bullmq.StateCompleted})
	require.NoError(t, err)
	require.Len(t, ids, 520)
	require.Zero(t, b.counts(t).Total())
	_, err = b.queue.Clean(b.ctx, bullmq.CleanOptions{State: bullmq.StateWaitingChildren})
	var refused *bullmq.ValidationError
	require.ErrorAs(t, err, &refused)
}

func TestObliterateLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opts := &bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "a"}}
	_, err := b.queue.Add(b.ctx, "job", nil, opts)
	require.NoError(t, err)
	b.addMany(t, 600, nil)
	b.addMany(t, 10, &bullmq.JobOptions{Delay: time.Hour})
	b.addMany(t, 10, &bullmq.JobOptions{Priority: 1})
	_, err = b.queue.UpsertJobScheduler(b.ctx, "daily", bullmq.RepeatOptions{Pattern: "0 0 * * *"}, bullmq.JobTemplate{})
	require.NoError(t, err)
	_, err = bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix}).Add(b.ctx, bullmq.FlowJob{
		Name: "parent", Queue: "q", Children: []bullmq.FlowJob{{Name: "child", Queue: "q"}},
	})
	require.NoError(t, err)
	require.NoError(t, b.queue.RateLimit(b.ctx, time.Hour))
	worker, err := bullmq.NewWorker(b.backend, "q", nil, &bullmq.WorkerOptions{Prefix: b.prefix, MetricsPoints: 10})
	require.NoError(t, err)
	done, err := worker.NextJob(b.ctx, nil)
	require.NoError(t, err)
	require.NoError(t, done.MoveToCompleted(b.ctx, nil))
	_, err = worker.NextJob(b.ctx, nil)
	require.NoError(t, err)

	require.ErrorIs(t, b.queue.Obliterate(b.ctx, false), bullmq.ErrQueueActive)
	paused, err := b.queue.IsPaused(b.ctx)
	require.NoError(t, err)
	require.False(t, paused, "a refused call changes nothing")
	require.NoError(t, b.queue.Obliterate(b.ctx, true))
	c := b.backend.Client()
	keys, err := c.Do(b.ctx, c.B().Keys().Pattern(b.prefix+":*").Build()).AsStrSlice()
	require.NoError(t, err)
	require.Empty(t, keys)
}

func TestRemoveOrphanedJobsLeavesTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addMany(t, 20, nil)
	b.addMany(t, 5, &bullmq.JobOptions{Delay: time.Hour})
	c := b.backend.Client()
	for range 3 {
		require.NoError(t, c.Do(b.ctx, c.B().Rpop().Key(b.prefix+":q:wait").Build()).Error())
	}
	n, err := b.queue.RemoveOrphanedJobs(b.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	counts := b.counts(t)
	require.EqualValues(t, 17, counts[bullmq.StateWaiting])
	require.EqualValues(t, 5, counts[bullmq.StateDelayed])
	_, err = b.queue.Job(b.ctx, "1")
	require.ErrorIs(t, err, bullmq.ErrJobNotFound)
}

func TestRemoveKeepsChildrenIfAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flows := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix})
	flow, err := flows.Add(b.ctx, bullmq.FlowJob{
		Name: "parent", Queue: "q", Children: []bullmq.FlowJob{{Name: "child", Queue: "q"}},
	})
	require.NoError(t, err)
	require.NoError(t, b.queue.Remove(b.ctx, flow.Job.ID, &bullmq.RemoveOptions{KeepChildren: true}))
	_, err = b.queue.Job(b.ctx, flow.Children[0].Job.ID)
	require.NoError(t, err)
	require.ErrorIs(t, b.queue.Remove(b.ctx, flow.Job.ID, nil), bullmq.ErrJobNotFound)
}
