package bullmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func TestWorkerCompletesJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 1000
	bulk := make([]bullmq.BulkJob, n)
	for i := range bulk {
		bulk[i] = bullmq.BulkJob{Name: "add", Data: map[string]int{"n": i}}
	}
	jobs, err := b.queue.AddBulk(b.ctx, bulk)
	require.NoError(t, err)

	var ran sync.Map
	b.work(t, "q", bullmq.WorkerOptions{Concurrency: 50, Name: "w1"}, func(_ context.Context, job *bullmq.Job) (any, error) {
		if _, twice := ran.LoadOrStore(job.ID, true); twice {
			t.Errorf("job %s ran twice", job.ID)
		}
		var data struct{ N int }
		if err := json.Unmarshal(job.Data, &data); err != nil {
			return nil, err
		}
		return data.N * 2, nil
	})
	b.waitCount(t, bullmq.StateCompleted, n)
	job, err := b.queue.Job(b.ctx, jobs[7].ID)
	require.NoError(t, err)
	require.JSONEq(t, `14`, string(job.ReturnValue))
	require.Equal(t, 1, job.AttemptsMade)
	require.Equal(t, 1, job.AttemptsStarted)
	require.Equal(t, "w1", job.ProcessedBy)
	require.False(t, job.FinishedOn.Before(job.ProcessedOn))
	require.Equal(t, bullmq.JobCounts{
		bullmq.StateWaiting: 0, bullmq.StateActive: 0, bullmq.StateDelayed: 0, bullmq.StatePrioritized: 0,
		bullmq.StateWaitingChildren: 0, bullmq.StateCompleted: n, bullmq.StateFailed: 0,
	}, b.counts(t))
}

func TestWorkerWakesForNewJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := make(chan string, 1)
	b.work(t, "q", bullmq.WorkerOptions{DrainDelay: time.Hour}, func(_ context.Context, job *bullmq.Job) (any, error) {
		done <- job.Name
		return nil, nil
	})
	// An idle worker waits on the queue's marker with a connection of the queue's name.
	eventually(t, "worker connection", func() bool {
		workers, err := b.backend.Workers(b.ctx, b.prefix)
		require.NoError(t, err)
		return len(workers) == 1 && workers[0].Queue == "q"
	})
	_, err := b.queue.Add(b.ctx, "ping", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "ping", <-done)
}

func TestWorkerRunsDelayedJobWhenDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ran := make(chan time.Time, 1)
	b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) {
		ran <- time.Now()
		return nil, nil
	})
	added := time.Now()
	_, err := b.queue.Add(b.ctx, "later", nil, &bullmq.JobOptions{Delay: 300 * time.Millisecond})
	require.NoError(t, err)
	require.GreaterOrEqual(t, (<-ran).Sub(added), 299*time.Millisecond)
}

func TestWorkerOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	add := func(name string, opts *bullmq.JobOptions) {
		_, err := b.queue.Add(b.ctx, name, nil, opts)
		require.NoError(t, err)
	}
	add("low", &bullmq.JobOptions{Priority: 10})
	add("high", &bullmq.JobOptions{Priority: 1})
	add("second", nil)
	add("third", nil)
	add("first", &bullmq.JobOptions{LIFO: true})
	var order []string
	b.work(t, "q", bullmq.WorkerOptions{}, func(_ context.Context, job *bullmq.Job) (any, error) {
		order = append(order, job.Name) // Concurrency is 1.
		return nil, nil
	})
	b.waitCount(t, bullmq.StateCompleted, 5)
	require.Equal(t, "first second third high low", strings.Join(order, " "))
}

func TestWorkerRetries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := 2
	job, err := b.queue.Add(b.ctx, "flaky", nil, &bullmq.JobOptions{
		Attempts: 3, StackTraceLimit: &limit,
		Backoff: &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: 10 * time.Millisecond},
	})
	require.NoError(t, err)
	var mu sync.Mutex
	var finals []bool
	b.work(t, "q", bullmq.WorkerOptions{Hooks: bullmq.WorkerHooks{
		Failed: func(_ *bullmq.Job, _ error, final bool) {
			mu.Lock()
			defer mu.Unlock()
			finals = append(finals, final)
		},
	}}, func(_ context.Context, job *bullmq.Job) (any, error) {
		return nil, &bullmq.NamedError{Name: "TypeError", Message: fmt.Sprint("try ", job.AttemptsMade+1)}
	})
	b.waitCount(t, bullmq.StateFailed, 1)
	job, err = b.queue.Job(b.ctx, job.ID)
	require.NoError(t, err)
	require.Equal(t, "try 3", job.FailedReason)
	require.Equal(t, []string{"TypeError: try 2", "TypeError: try 3"}, job.Stacktrace)
	require.Equal(t, 3, job.AttemptsMade)
	eventually(t, "hooks", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(finals) == 3
	})
	require.Equal(t, []bool{false, false, true}, finals)
}

func TestWorkerEndsOfAttempt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		process bullmq.Processor
		state   bullmq.JobState
		made    int
		reason  string
	}{
		"unrecoverable error leaves attempts unused": {
			func(context.Context, *bullmq.Job) (any, error) {
				return nil, bullmq.Unrecoverable(errors.New("bad input"))
			}, bullmq.StateFailed, 1, "bad input",
		},
		"panic fails the attempt": {
			func(context.Context, *bullmq.Job) (any, error) { panic("boom") },
			bullmq.StateFailed, 5, "panic: boom",
		},
		"result that is not JSON fails for good": {
			func(context.Context, *bullmq.Job) (any, error) { return make(chan int), nil },
			bullmq.StateFailed, 1, "the result is not JSON: json: unsupported type: chan int",
		},
		"delayed job keeps its attempts": {
			func(context.Context, *bullmq.Job) (any, error) { return nil, bullmq.DelayJob(time.Hour) },
			bullmq.StateDelayed, 0, "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			job, err := b.queue.Add(b.ctx, "x", nil, &bullmq.JobOptions{Attempts: 5})
			require.NoError(t, err)
			b.work(t, "q", bullmq.WorkerOptions{}, tt.process)
			b.waitCount(t, tt.state, 1)
			job, err = b.queue.Job(b.ctx, job.ID)
			require.NoError(t, err)
			require.Equal(t, tt.made, job.AttemptsMade)
			require.Equal(t, tt.reason, job.FailedReason)
		})
	}
}

func TestWorkerKeepsWhatItIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 10 {
		_, err := b.queue.Add(b.ctx, "x", nil, &bullmq.JobOptions{RemoveOnComplete: bullmq.KeepLast(3)})
		require.NoError(t, err)
	}
	gone, err := b.queue.Add(b.ctx, "x", nil, &bullmq.JobOptions{RemoveOnComplete: bullmq.KeepNone()})
	require.NoError(t, err)
	b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	eventually(t, "removal", func() bool {
		_, err := b.queue.Job(b.ctx, gone.ID)
		return errors.Is(err, bullmq.ErrJobNotFound)
	})
	require.Equal(t, int64(3), b.counts(t)[bullmq.StateCompleted])
}

func TestWorkerShutdownWaitsForJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started, finish := make(chan struct{}), make(chan struct{})
	stop := b.work(t, "q", bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) {
		close(started)
		<-finish
		return "done", nil
	})
	job, err := b.queue.Add(b.ctx, "slow", nil, nil)
	require.NoError(t, err)
	<-started
	time.AfterFunc(50*time.Millisecond, func() { close(finish) })
	stop()
	state, err := job.State(b.ctx)
	require.NoError(t, err)
	require.Equal(t, bullmq.StateCompleted, state)
}

func TestWorkerShutdownGivesJobsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started := make(chan struct{})
	stop := b.work(t, "q", bullmq.WorkerOptions{ShutdownTimeout: time.Millisecond}, func(ctx context.Context, _ *bullmq.Job) (any, error) {
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	job, err := b.queue.Add(b.ctx, "slow", nil, nil)
	require.NoError(t, err)
	<-started
	stop()
	job, err = b.queue.Job(b.ctx, job.ID)
	require.NoError(t, err)
	require.Zero(t, job.AttemptsMade)
	require.Equal(t, int64(1), b.counts(t)[bullmq.StateWaiting])
}

func TestWorkerRenewsLocks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var runs atomic.Int32
	opts := bullmq.WorkerOptions{LockDuration: 500 * time.Millisecond, StalledInterval: 50 * time.Millisecond}
	b.work(t, "q", opts, func(context.Context, *bullmq.Job) (any, error) {
		runs.Add(1)
		time.Sleep(1500 * time.Millisecond)
		return nil, nil
	})
	_, err := b.queue.Add(b.ctx, "slow", nil, nil)
	require.NoError(t, err)
	b.waitCount(t, bullmq.StateCompleted, 1)
	require.EqualValues(t, 1, runs.Load())
}

func TestWorkerRecoversStalledJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	job, err := b.queue.Add(b.ctx, "lost", nil, nil)
	require.NoError(t, err)
	// A worker that takes a job and is never heard of again.
	reply, err := b.backend.FinishAndFetch(b.ctx, b.queue.Ref(), bullmq.WorkRequest{
		Fetch: 1, Token: "gone", LockDuration: 50 * time.Millisecond,
	})
	require.NoError(t, err)
	require.Len(t, reply.Jobs, 1)

	stalled := make(chan string, 1)
	b.work(t, "q", bullmq.WorkerOptions{
		StalledInterval: 100 * time.Millisecond, Hooks: bullmq.WorkerHooks{Stalled: func(id string) { stalled <- id }},
	}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	b.waitCount(t, bullmq.StateCompleted, 1)
	require.Equal(t, job.ID, <-stalled)
	job, err = b.queue.Job(b.ctx, job.ID)
	require.NoError(t, err)
	require.Equal(t, 1, job.StalledCounter)
	require.Equal(t, 2, job.AttemptsStarted)
}

func TestWorkerSkipsDamagedJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.backend.Client()
	key := b.queue.Ref().JobKey
	for _, cmd := range [][]string{
		{"HSET", key("bad-json"), "name", "x", "data", "{not json", "opts", "[1", "timestamp", "soon"},
		{"LPUSH", key("wait"), "no-hash", "bad-json"},
	} {
		require.NoError(t, c.Do(b.ctx, c.B().Arbitrary(cmd...).Build()).Error())
	}
	_, err := b.queue.Add(b.ctx, "good", nil, nil)
	require.NoError(t, err)
	b.work(t, "q", bullmq.WorkerOptions{Concurrency: 3}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	b.waitCount(t, bullmq.StateCompleted, 1)
	b.waitCount(t, bullmq.StateFailed, 1)
	job, err := b.queue.Job(b.ctx, "bad-json")
	require.NoError(t, err)
	require.Contains(t, job.FailedReason, "the stored job is damaged")
	require.Zero(t, b.counts(t)[bullmq.StateActive])
}

func TestWorkerSurvivesLostConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var failures atomic.Int32
	b.work(t, "q", bullmq.WorkerOptions{Hooks: bullmq.WorkerHooks{Error: func(error) { failures.Add(1) }}},
		func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	_, err := b.queue.Add(b.ctx, "before", nil, nil)
	require.NoError(t, err)
	b.waitCount(t, bullmq.StateCompleted, 1)
	eventually(t, "worker connection", func() bool {
		workers, err := b.backend.Workers(b.ctx, b.prefix)
		require.NoError(t, err)
		for _, w := range workers {
			c := b.backend.Client()
			require.NoError(t, c.Do(b.ctx, c.B().Arbitrary("CLIENT", "KILL", "ID", w.ID).Build()).Error())
		}
		return len(workers) > 0
	})
	eventually(t, "reported error", func() bool { return failures.Load() > 0 })
	_, err = b.queue.Add(b.ctx, "after", nil, nil)
	require.NoError(t, err)
	b.waitCount(t, bullmq.StateCompleted, 2)
}
