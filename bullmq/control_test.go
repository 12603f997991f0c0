package bullmq_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// runWorker runs a worker until the test ends and returns it.
func (b *bench) runWorker(t *testing.T, opts bullmq.WorkerOptions, p bullmq.Processor) *bullmq.Worker {
	t.Helper()
	opts.Prefix = b.prefix
	w, err := bullmq.NewWorker(b.backend, "q", p, &opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return w
}

func TestPausedWorkerTakesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	release := make(chan struct{})
	w := b.runWorker(t, bullmq.WorkerOptions{Concurrency: 2}, func(_ context.Context, job *bullmq.Job) (any, error) {
		if job.Name == "held" {
			<-release
		}
		return nil, nil
	})
	_, err := b.queue.Add(b.ctx, "held", nil, nil)
	require.NoError(t, err)
	b.waitCount(t, bullmq.StateActive, 1)
	w.Pause()
	require.True(t, w.IsPaused())
	b.addMany(t, 3, nil)
	timeout, cancel := context.WithTimeout(b.ctx, 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, w.WaitIdle(timeout), context.DeadlineExceeded)
	close(release)
	require.NoError(t, w.WaitIdle(b.ctx))
	counts := b.counts(t)
	require.EqualValues(t, 1, counts[bullmq.StateCompleted])
	require.EqualValues(t, 3, counts[bullmq.StateWaiting])
	w.Resume()
	b.waitCount(t, bullmq.StateCompleted, 4)
}

func TestIdleWorkerThatIsPausedLeavesNewJobsToOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	drained := make(chan struct{}, 10)
	w := b.runWorker(t, bullmq.WorkerOptions{
		DrainDelay: time.Hour, Name: "first",
		Hooks: bullmq.WorkerHooks{Drained: func() { drained <- struct{}{} }},
	}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
	<-drained
	w.Pause()
	require.NoError(t, w.WaitIdle(b.ctx))
	b.work(t, "q", bullmq.WorkerOptions{DrainDelay: time.Hour, Name: "second"}, func(context.Context, *bullmq.Job) (any, error) {
		return nil, nil
	})
	b.addMany(t, 5, nil)
	b.waitCount(t, bullmq.StateCompleted, 5)
	for job, err := range b.queue.All(b.ctx, bullmq.StateCompleted) {
		require.NoError(t, err)
		require.Equal(t, "second", job.ProcessedBy)
	}
}

func TestConcurrencyCanChangeWhileJobsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	release := make(chan struct{})
	w := b.runWorker(t, bullmq.WorkerOptions{}, func(context.Context, *bullmq.Job) (any, error) {
		<-release
		return nil, nil
	})
	b.addMany(t, 10, nil)
	b.waitCount(t, bullmq.StateActive, 1)
	require.NoError(t, w.SetConcurrency(4))
	b.waitCount(t, bullmq.StateActive, 4)
	require.Equal(t, 4, w.Concurrency())
	var refused *bullmq.ValidationError
	require.ErrorAs(t, w.SetConcurrency(0), &refused)
	close(release)
	b.waitCount(t, bullmq.StateCompleted, 10)
}

func TestCancelledJobFailsForGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun := make(chan struct{}, 3)
	w := b.runWorker(t, bullmq.WorkerOptions{Concurrency: 3}, func(ctx context.Context, job *bullmq.Job) (any, error) {
		begun <- struct{}{}
		<-ctx.Done()
		if job.Name == "stubborn" {
			return "done", nil
		}
		return nil, ctx.Err()
	})
	require.False(t, w.CancelJob("1", ""))
	opts := &bullmq.JobOptions{Attempts: 5}
	for _, name := range []string{"plain", "reason", "stubborn"} {
		_, err := b.queue.Add(b.ctx, name, nil, opts)
		require.NoError(t, err)
	}
	for range 3 {
		<-begun
	}
	require.True(t, w.CancelJob("1", ""))
	require.True(t, w.CancelJob("2", "no longer wanted"))
	b.waitCount(t, bullmq.StateFailed, 2)
	w.CancelAllJobs("")
	b.waitCount(t, bullmq.StateCompleted, 1)
	for id, reason := range map[string]string{"1": "cancelled", "2": "no longer wanted"} {
		job, err := b.queue.Job(b.ctx, id)
		require.NoError(t, err)
		require.Equal(t, reason, job.FailedReason)
		require.Equal(t, 1, job.AttemptsMade)
	}
}

func TestBackoffStrategyDecides(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reasons := make(chan error, 10)
	var tries atomic.Int64
	b.work(t, "q", bullmq.WorkerOptions{
		BackoffStrategy: func(made int, job *bullmq.Job, err error) time.Duration {
			reasons <- err
			if job.Opts.Backoff.Type != "mine" || made == 3 {
				return -1
			}
			return time.Duration(made) * time.Millisecond
		},
	}, func(context.Context, *bullmq.Job) (any, error) {
		tries.Add(1)
		return nil, errors.New("no")
	})
	_, err := b.queue.Add(b.ctx, "job", nil, &bullmq.JobOptions{Attempts: 10, Backoff: &bullmq.Backoff{Type: "mine"}})
	require.NoError(t, err)
	b.waitCount(t, bullmq.StateFailed, 1)
	require.EqualValues(t, 3, tries.Load())
	require.EqualError(t, <-reasons, "no")
}

func TestJobThatStartsTooOftenFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.work(t, "q", bullmq.WorkerOptions{MaxStartedAttempts: 3}, func(context.Context, *bullmq.Job) (any, error) {
		return nil, bullmq.DelayJob(time.Millisecond)
	})
	b.addMany(t, 1, nil)
	b.waitCount(t, bullmq.StateFailed, 1)
	job, err := b.queue.Job(b.ctx, "1")
	require.NoError(t, err)
	require.Equal(t, "job started more than allowable limit", job.FailedReason)
	require.Equal(t, 4, job.AttemptsStarted)
}

// baggage carries one value of the context, as tracing does.
type baggage struct{}

type baggageKey struct{}

func (baggage) Inject(ctx context.Context) string {
	value, _ := ctx.Value(baggageKey{}).(string)
	return value
}

func (baggage) Extract(ctx context.Context, metadata string) context.Context {
	return context.WithValue(ctx, baggageKey{}, metadata)
}

func TestTraceContextReachesTheProcessor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	queue, err := bullmq.NewQueue(b.backend, "q", &bullmq.QueueOptions{Prefix: b.prefix, Propagator: baggage{}})
	require.NoError(t, err)
	ctx := context.WithValue(b.ctx, baggageKey{}, "trace-1")
	_, err = queue.Add(ctx, "carries", nil, nil)
	require.NoError(t, err)
	_, err = queue.Add(ctx, "omits", nil, &bullmq.JobOptions{Telemetry: &bullmq.TelemetryOptions{OmitContext: true}})
	require.NoError(t, err)
	b.work(t, "q", bullmq.WorkerOptions{Propagator: baggage{}}, func(ctx context.Context, _ *bullmq.Job) (any, error) {
		return baggage{}.Inject(ctx), nil
	})
	b.waitCount(t, bullmq.StateCompleted, 2)
	for id, want := range map[string]string{"1": `"trace-1"`, "2": `""`} {
		job, err := b.queue.Job(b.ctx, id)
		require.NoError(t, err)
		require.JSONEq(t, want, string(job.ReturnValue))
	}
}
