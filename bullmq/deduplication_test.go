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

func (b *bench) addDeduplicated(t *testing.T, data string, opts bullmq.JobOptions) *bullmq.Job {
	t.Helper()
	job, err := b.queue.Add(b.ctx, "job", data, &opts)
	require.NoError(t, err)
	return job
}

func TestDeduplicationAddsNothingWhileTheOwnerLives(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opts := bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "a"}}
	first := b.addDeduplicated(t, "1", opts)
	second := b.addDeduplicated(t, "2", opts)
	require.Equal(t, first.ID, second.ID)
	require.EqualValues(t, 1, b.counts(t).Total())
	owner, err := b.queue.DeduplicationJobID(b.ctx, "a")
	require.NoError(t, err)
	require.Equal(t, first.ID, owner)

	stop := b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	b.waitCount(t, bullmq.StateCompleted, 1)
	stop()
	third := b.addDeduplicated(t, "3", opts)
	require.NotEqual(t, first.ID, third.ID, "the id is free once its owner has finished")
}

func TestThrottledJobsAreRejectedUntilTheTimeIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opts := bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "a", TTL: 50 * time.Millisecond}}
	first := b.addDeduplicated(t, "1", opts)
	require.Equal(t, first.ID, b.addDeduplicated(t, "2", opts).ID)
	eventually(t, "the time is over", func() bool { return b.addDeduplicated(t, "3", opts).ID != first.ID })
}

func TestDebouncedJobReplacesTheDelayedOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opts := bullmq.JobOptions{
		Delay:         time.Hour,
		Deduplication: &bullmq.Deduplication{ID: "a", TTL: time.Hour, Extend: true, Replace: true},
	}
	first := b.addDeduplicated(t, "1", opts)
	second := b.addDeduplicated(t, "2", opts)
	require.NotEqual(t, first.ID, second.ID)
	_, err := b.queue.Job(b.ctx, first.ID)
	require.ErrorIs(t, err, bullmq.ErrJobNotFound)
	require.EqualValues(t, 1, b.counts(t)[bullmq.StateDelayed])
	removed, err := second.RemoveDeduplicationKey(b.ctx)
	require.NoError(t, err)
	require.True(t, removed)
	require.NotEqual(t, second.ID, b.addDeduplicated(t, "3", opts).ID)
	require.EqualValues(t, 2, b.counts(t)[bullmq.StateDelayed])
}

func TestRejectedJobReschedulesTheDelayedOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dedup := &bullmq.Deduplication{ID: "a", Reschedule: true}
	first := b.addDeduplicated(t, "1", bullmq.JobOptions{Delay: time.Minute, Deduplication: dedup})
	second := b.addDeduplicated(t, "2", bullmq.JobOptions{Delay: time.Hour, Deduplication: dedup})
	require.Equal(t, first.ID, second.ID)
	job, err := b.queue.Job(b.ctx, first.ID)
	require.NoError(t, err)
	require.Equal(t, time.Hour, job.Delay)
	require.JSONEq(t, `"1"`, string(job.Data))
}

func TestLastJobIsKeptWhileTheOwnerIsActive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	opts := bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "a", KeepLastIfActive: true}}
	first := b.addDeduplicated(t, "1", opts)
	seen := make(chan string, 4)
	b.work(t, "q", bullmq.WorkerOptions{}, func(_ context.Context, job *bullmq.Job) (any, error) {
		var data string
		if err := json.Unmarshal(job.Data, &data); err != nil {
			return nil, err
		}
		if data == "1" {
			for _, later := range []string{"2", "3"} {
				put, err := b.queue.Add(b.ctx, "job", later, &opts)
				if err != nil {
					return nil, err
				}
				if put.ID != first.ID {
					return nil, errors.New("the job was added beside the active one")
				}
			}
		}
		seen <- data
		return nil, nil
	})
	b.waitCount(t, bullmq.StateCompleted, 2)
	require.Equal(t, "1", <-seen)
	require.Equal(t, "3", <-seen, "only the last one is kept")
}

func TestDeduplicationRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, opts := range map[string]bullmq.JobOptions{
		"no id":        {Deduplication: &bullmq.Deduplication{}},
		"negative ttl": {Deduplication: &bullmq.Deduplication{ID: "a", TTL: -1}},
		"a parent": {
			Deduplication: &bullmq.Deduplication{ID: "a"},
			Parent:        &bullmq.ParentRef{ID: "1", Queue: "bull:q"},
		},
	} {
		_, err := b.queue.Add(b.ctx, "job", nil, &opts)
		var refused *bullmq.ValidationError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, "deduplication", refused.Field, name)
	}
	_, err := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix}).Add(b.ctx, bullmq.FlowJob{
		Name: "parent", Queue: "q", Opts: &bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "a"}},
		Children: []bullmq.FlowJob{{Name: "child", Queue: "q"}},
	})
	require.ErrorContains(t, err, "cannot be used on flow nodes with children")
	require.Zero(t, b.counts(t).Total())
}
