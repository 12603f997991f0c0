package bullmq_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func TestSchedulerRepeats(t *testing.T) {
	t.Parallel()
	tests := map[string]bullmq.RepeatOptions{
		"every":   {Every: 50 * time.Millisecond},
		"pattern": {Pattern: "* * * * * *", TZ: "Europe/Berlin", Immediately: true},
	}
	for name, repeat := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var runs atomic.Int32
			b.work(t, "q", bullmq.WorkerOptions{}, func(_ context.Context, job *bullmq.Job) (any, error) {
				if job.Name == "tick" && string(job.Data) == `{"n":1}` && job.RepeatJobKey == "s" {
					runs.Add(1)
				}
				return nil, nil
			})
			first, err := b.queue.UpsertJobScheduler(b.ctx, "s", repeat, bullmq.JobTemplate{
				Name: "tick", Data: map[string]int{"n": 1}, Opts: &bullmq.JobOptions{Attempts: 2},
			})
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(first.ID, "repeat:s:"))
			eventually(t, "three runs", func() bool { return runs.Load() >= 3 })
			s, err := b.queue.JobScheduler(b.ctx, "s")
			require.NoError(t, err)
			require.GreaterOrEqual(t, s.IterationCount, 3)
			require.Equal(t, repeat.Pattern, s.Repeat.Pattern)
			require.Equal(t, repeat.Every, s.Repeat.Every)
			require.Equal(t, repeat.TZ, s.Repeat.TZ)
			require.Equal(t, 2, s.Opts.Attempts)
		})
	}
}

func TestSchedulerStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	_, err := b.queue.UpsertJobScheduler(b.ctx, "s", bullmq.RepeatOptions{Every: 10 * time.Millisecond, Limit: 3}, bullmq.JobTemplate{})
	require.NoError(t, err)
	b.waitCount(t, bullmq.StateCompleted, 3)
	require.Equal(t, int64(3), b.counts(t).Total())
}

func TestSchedulerIsReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 3 {
		_, err := b.queue.UpsertJobScheduler(b.ctx, "s", bullmq.RepeatOptions{Pattern: fmt.Sprint("0 ", i, " 1 1 *")}, bullmq.JobTemplate{})
		require.NoError(t, err)
	}
	require.Equal(t, int64(1), b.counts(t)[bullmq.StateDelayed])
	list, err := b.queue.JobSchedulers(b.ctx, 0, -1)
	require.NoError(t, err)
	require.Len(t, list, 1)
	planned, err := b.queue.Jobs(b.ctx, bullmq.JobsQuery{State: bullmq.StateDelayed, End: -1})
	require.NoError(t, err)
	require.ErrorIs(t, planned[0].Remove(b.ctx, nil), bullmq.ErrJobBelongsToScheduler)

	require.NoError(t, b.queue.RemoveJobScheduler(b.ctx, "s"))
	require.ErrorIs(t, b.queue.RemoveJobScheduler(b.ctx, "s"), bullmq.ErrSchedulerNotFound)
	_, err = b.queue.JobScheduler(b.ctx, "s")
	require.ErrorIs(t, err, bullmq.ErrSchedulerNotFound)
	require.Zero(t, b.counts(t).Total())
}

func TestSchedulerRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tests := map[string]struct {
		repeat bullmq.RepeatOptions
		field  string
	}{
		"both clocks":      {bullmq.RepeatOptions{Pattern: "* * * * *", Every: time.Second}, "pattern"},
		"no clock":         {bullmq.RepeatOptions{}, "pattern"},
		"bad pattern":      {bullmq.RepeatOptions{Pattern: "61 * * * *"}, "pattern"},
		"unknown zone":     {bullmq.RepeatOptions{Pattern: "* * * * *", TZ: "Mars/Olympus"}, "tz"},
		"never":            {bullmq.RepeatOptions{Pattern: "0 0 30 2 *"}, "pattern"},
		"end in the past":  {bullmq.RepeatOptions{Every: time.Second, EndDate: time.UnixMilli(1)}, "endDate"},
		"start and now":    {bullmq.RepeatOptions{Pattern: "* * * * *", Immediately: true, StartDate: time.Now()}, "startDate"},
		"negative every":   {bullmq.RepeatOptions{Every: -time.Second}, "every"},
		"too many fields":  {bullmq.RepeatOptions{Pattern: "* * * * * * *"}, "pattern"},
		"words as pattern": {bullmq.RepeatOptions{Pattern: "every other day please x"}, "pattern"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := b.queue.UpsertJobScheduler(b.ctx, "s", tt.repeat, bullmq.JobTemplate{})
			var refused *bullmq.ValidationError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.field, refused.Field)
		})
	}
	n, err := b.queue.JobSchedulersCount(b.ctx)
	require.NoError(t, err)
	require.Zero(t, n)
}
