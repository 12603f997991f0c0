package bullmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func TestAddKeepsWhatIsGiven(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := 3
	opts := &bullmq.JobOptions{
		ID: "order-7", Attempts: 4, Priority: 9, Backoff: &bullmq.Backoff{Type: bullmq.BackoffFixed, Delay: time.Second, Jitter: 0.5},
		RemoveOnComplete: bullmq.KeepLast(5), RemoveOnFail: bullmq.KeepFor(time.Hour), KeepLogs: 2, StackTraceLimit: &limit,
		Timestamp: time.UnixMilli(1700000000000),
		Telemetry: &bullmq.TelemetryOptions{Metadata: "trace"},
		Extra:     map[string]json.RawMessage{"custom": json.RawMessage(`"kept"`)},
	}
	added, err := b.queue.Add(b.ctx, "mail", map[string]string{"to": "<a&b>"}, opts)
	require.NoError(t, err)
	got, err := b.queue.Job(b.ctx, "order-7")
	require.NoError(t, err)
	require.Equal(t, added.ID, got.ID)
	require.Equal(t, "mail", got.Name)
	require.Empty(t, cmp.Diff(`{"to":"<a&b>"}`, string(got.Data)))
	require.Equal(t, *opts, got.Opts)
	require.Equal(t, opts.Timestamp, got.Timestamp)
	require.Equal(t, 9, got.Priority)
}

func TestAddAnswersDuplicateWithTheSameID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"first", "second"} {
		job, err := b.queue.Add(b.ctx, name, nil, &bullmq.JobOptions{ID: "only"})
		require.NoError(t, err)
		require.Equal(t, "only", job.ID)
	}
	job, err := b.queue.Job(b.ctx, "only")
	require.NoError(t, err)
	require.Equal(t, "first", job.Name)
	require.Equal(t, int64(1), b.counts(t).Total())
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tests := map[string]struct {
		data    any
		opts    bullmq.JobOptions
		field   string
		message string
	}{
		"integer id":          {nil, bullmq.JobOptions{ID: "12"}, "jobId", "Custom Id cannot be integers"},
		"id of a marker":      {nil, bullmq.JobOptions{ID: "0:5"}, "jobId", "JobId cannot be '0' or start with '0:'"},
		"id with one colon":   {nil, bullmq.JobOptions{ID: "a:b"}, "jobId", "Custom Id cannot contain :"},
		"id of a queue's key": {nil, bullmq.JobOptions{ID: "meta"}, "jobId", "Custom Id cannot be the name of a key of the queue: meta"},
		"priority too large":  {nil, bullmq.JobOptions{Priority: 2097152}, "priority", "Priority should be between 0 and 2097151"},
		"negative priority":   {nil, bullmq.JobOptions{Priority: -1}, "priority", "Priority should be between 0 and 2097151"},
		"large data":          {"0123456789", bullmq.JobOptions{SizeLimit: 10}, "sizeLimit", "The size of job x exceeds the limit 10 bytes"},
		"two failure policies": {
			nil,
			bullmq.JobOptions{FailParentOnFailure: true, RemoveDependencyOnFailure: true},
			"removeDependencyOnFailure",
			"The following options cannot be used together: removeDependencyOnFailure, failParentOnFailure",
		},
		"jitter": {nil, bullmq.JobOptions{Backoff: &bullmq.Backoff{Jitter: 2}}, "backoff", "Jitter should be between 0 and 1"},
		"data that is no JSON": {
			json.RawMessage("{"), bullmq.JobOptions{}, "data", "data of job x is not JSON: invalid JSON",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := b.queue.Add(b.ctx, "x", tt.data, &tt.opts)
			var refused *bullmq.ValidationError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.field, refused.Field)
			require.Equal(t, tt.message, refused.Message)
		})
	}
	require.Zero(t, b.counts(t).Total())
	_, err := b.queue.Add(b.ctx, "x", nil, &bullmq.JobOptions{Parent: &bullmq.ParentRef{ID: "none", Queue: b.prefix + ":q"}})
	require.ErrorIs(t, err, bullmq.ErrParentNotFound)
}

func TestAddBulkIsOrdered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 1500
	bulk := make([]bullmq.BulkJob, n)
	for i := range bulk {
		bulk[i].Name = "x"
	}
	added, err := b.queue.AddBulk(b.ctx, bulk)
	require.NoError(t, err)
	jobs, err := b.queue.Jobs(b.ctx, bullmq.JobsQuery{State: bullmq.StateWaiting, End: -1})
	require.NoError(t, err)
	require.Len(t, jobs, n)
	for i := range jobs {
		require.Equal(t, added[i].ID, jobs[i].ID)
	}
}

func TestJobsRanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		_, err := b.queue.Add(b.ctx, name, nil, nil)
		require.NoError(t, err)
	}
	names := func(q bullmq.JobsQuery) string {
		jobs, err := b.queue.Jobs(b.ctx, q)
		require.NoError(t, err)
		var s strings.Builder
		for _, j := range jobs {
			s.WriteString(j.Name)
		}
		return s.String()
	}
	require.Equal(t, "abcd", names(bullmq.JobsQuery{State: bullmq.StateWaiting, End: -1}))
	require.Equal(t, "ab", names(bullmq.JobsQuery{State: bullmq.StateWaiting, End: 1}))
	require.Equal(t, "bc", names(bullmq.JobsQuery{State: bullmq.StateWaiting, Start: 1, End: 2}))
	require.Equal(t, "dc", names(bullmq.JobsQuery{State: bullmq.StateWaiting, End: 1, Reverse: true}))

	var order []string
	b.work(t, "q", bullmq.WorkerOptions{}, func(_ context.Context, j *bullmq.Job) (any, error) {
		order = append(order, j.Name)
		time.Sleep(2 * time.Millisecond) // Finishing times are told apart by the millisecond.
		return nil, nil
	})
	b.waitCount(t, bullmq.StateCompleted, 4)
	require.Equal(t, "dcba", names(bullmq.JobsQuery{State: bullmq.StateCompleted, End: -1}))
	_, err := b.queue.Jobs(b.ctx, bullmq.JobsQuery{State: "sleeping"})
	require.Error(t, err)
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.queue.Pause(b.ctx))
	paused, err := b.queue.IsPaused(b.ctx)
	require.NoError(t, err)
	require.True(t, paused)
	job, err := b.queue.Add(b.ctx, "x", nil, nil)
	require.NoError(t, err)
	b.work(t, "q", bullmq.WorkerOptions{DrainDelay: time.Hour}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	eventually(t, "worker connection", func() bool {
		workers, err := b.backend.Workers(b.ctx, b.prefix)
		require.NoError(t, err)
		return len(workers) == 1
	})
	state, err := job.State(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.StateWaiting, state)
	// Jobs that version 5 of BullMQ has set apart come back with the others.
	c := b.backend.Client()
	require.NoError(t, c.Do(b.ctx, c.B().Hset().Key(b.queue.Ref().JobKey("old")).FieldValue().
		FieldValue("name", "old").FieldValue("data", "{}").FieldValue("opts", "{}").FieldValue("timestamp", "1").Build()).Error())
	require.NoError(t, c.Do(b.ctx, c.B().Lpush().Key(b.queue.Ref().JobKey("paused")).Element("old").Build()).Error())
	for _, query := range []bullmq.JobsQuery{{End: -1}, {End: 1}, {Start: -2, End: -1}} {
		query.State = bullmq.StateWaiting
		jobs, err := b.queue.Jobs(b.ctx, query)
		require.NoError(t, err)
		require.Len(t, jobs, 2)
		require.Equal(t, []string{"x", "old"}, []string{jobs[0].Name, jobs[1].Name})
	}
	last, err := b.queue.Jobs(b.ctx, bullmq.JobsQuery{State: bullmq.StateWaiting, Reverse: true})
	require.NoError(t, err)
	require.Len(t, last, 1)
	require.Equal(t, "old", last[0].Name)
	require.NoError(t, b.queue.Resume(b.ctx))
	b.waitCount(t, bullmq.StateCompleted, 2)
}

func TestJobChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	job, err := b.queue.Add(b.ctx, "x", nil, &bullmq.JobOptions{Delay: time.Hour, KeepLogs: 2})
	require.NoError(t, err)
	for _, line := range []string{"one", "two", "three"} {
		require.NoError(t, job.Log(b.ctx, line))
	}
	lines, count, err := job.Logs(b.ctx, 0, -1)
	require.NoError(t, err)
	require.Equal(t, []string{"two", "three"}, lines)
	require.EqualValues(t, 2, count)

	require.NoError(t, job.UpdateProgress(b.ctx, map[string]int{"step": 3}))
	require.NoError(t, job.UpdateData(b.ctx, []int{1}))
	require.NoError(t, job.ChangeDelay(b.ctx, 2*time.Hour))
	require.NoError(t, job.ChangePriority(b.ctx, 5, false))
	got, err := b.queue.Job(b.ctx, job.ID)
	require.NoError(t, err)
	require.JSONEq(t, `{"step":3}`, string(got.Progress))
	require.JSONEq(t, `[1]`, string(got.Data))
	require.Equal(t, 2*time.Hour, got.Delay)
	require.Equal(t, 5, got.Priority)

	require.ErrorIs(t, job.Retry(b.ctx, nil), bullmq.ErrNotInState)
	require.NoError(t, job.Promote(b.ctx))
	state, err := job.State(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.StatePrioritized, state)
	require.ErrorIs(t, job.Promote(b.ctx), bullmq.ErrNotInState)

	require.NoError(t, job.Remove(b.ctx, nil))
	require.ErrorIs(t, job.Remove(b.ctx, nil), bullmq.ErrJobNotFound)
	require.ErrorIs(t, job.Log(b.ctx, "late"), bullmq.ErrJobNotFound)
	state, err = job.State(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.StateUnknown, state)
}

func TestRetryFinishedJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fail := true
	b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) {
		if fail {
			return nil, errors.New("no")
		}
		return "yes", nil
	})
	job, err := b.queue.Add(b.ctx, "x", nil, nil)
	require.NoError(t, err)
	b.waitCount(t, bullmq.StateFailed, 1)
	fail = false
	require.NoError(t, job.Retry(b.ctx, nil))
	b.waitCount(t, bullmq.StateCompleted, 1)
	job, err = b.queue.Job(b.ctx, job.ID)
	require.NoError(t, err)
	require.Empty(t, job.FailedReason)
	require.JSONEq(t, `"yes"`, string(job.ReturnValue))
}

func TestRemoveRefusesRunningJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started, finish := make(chan struct{}), make(chan struct{})
	b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) {
		close(started)
		<-finish
		return nil, nil
	})
	job, err := b.queue.Add(b.ctx, "x", nil, nil)
	require.NoError(t, err)
	<-started
	require.ErrorIs(t, job.Remove(b.ctx, nil), bullmq.ErrJobLocked)
	close(finish)
	b.waitCount(t, bullmq.StateCompleted, 1)
	require.NoError(t, job.Remove(b.ctx, nil))
}

func TestKeysOfTheQueueAreNoJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	job, err := b.queue.Add(b.ctx, "x", nil, nil)
	require.NoError(t, err)
	require.NoError(t, job.Log(b.ctx, "line"))
	for _, id := range []string{"", "meta", "wait", "events", "1:logs", "metrics:completed:data"} {
		_, err := b.queue.Job(b.ctx, id)
		require.ErrorIs(t, err, bullmq.ErrJobNotFound, id)
		require.ErrorIs(t, b.backend.Remove(b.ctx, b.queue.Ref(), id, true), bullmq.ErrJobNotFound, id)
		require.ErrorIs(t, b.backend.UpdateData(b.ctx, b.queue.Ref(), id, []byte("1")), bullmq.ErrJobNotFound, id)
		state, err := b.backend.JobState(b.ctx, b.queue.Ref(), id)
		require.NoError(t, err)
		require.Equal(t, bullmq.StateUnknown, state, id)
	}
}

func TestQueuesAreListedOnceTheyExist(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.newQueue(t, "created").Init(b.ctx))
	_, err := b.queue.Add(b.ctx, "x", nil, nil)
	require.NoError(t, err)
	names, err := bullmq.Queues(b.ctx, b.backend, b.prefix)
	require.NoError(t, err)
	require.Equal(t, []string{"created", "q"}, names)
}
