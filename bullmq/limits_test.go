package bullmq_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestGlobalConcurrencyHoldsOverAllWorkers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.queue.SetGlobalConcurrency(b.ctx, 2))
	b.addMany(t, 12, nil)
	var running, most atomic.Int64
	process := func(context.Context, *bullmq.Job) (any, error) {
		n := running.Add(1)
		defer running.Add(-1)
		for {
			m := most.Load()
			if n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		time.Sleep(5 * time.Millisecond)
		return nil, nil
	}
	for range 3 {
		b.work(t, "q", bullmq.WorkerOptions{Concurrency: 4}, process)
	}
	b.waitCount(t, bullmq.StateCompleted, 12)
	require.EqualValues(t, 2, most.Load())
	maxed, err := b.queue.IsMaxed(b.ctx)
	require.NoError(t, err)
	require.False(t, maxed)
	require.NoError(t, b.queue.RemoveGlobalConcurrency(b.ctx))
	meta, err := b.queue.Meta(b.ctx)
	require.NoError(t, err)
	require.Zero(t, meta.Concurrency)
}

func TestRateLimitsSpreadJobsOverTime(t *testing.T) {
	t.Parallel()
	limit := bullmq.RateLimit{Max: 5, Duration: 200 * time.Millisecond}
	for name, set := range map[string]func(*testing.T, *bench, *bullmq.WorkerOptions){
		"of the worker": func(_ *testing.T, _ *bench, opts *bullmq.WorkerOptions) { opts.Limiter = &limit },
		"of the queue": func(t *testing.T, b *bench, _ *bullmq.WorkerOptions) {
			require.NoError(t, b.queue.SetGlobalRateLimit(b.ctx, limit))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			opts := bullmq.WorkerOptions{Concurrency: 10}
			set(t, b, &opts)
			b.addMany(t, 12, nil)
			starts := make(chan time.Time, 12)
			b.work(t, "q", opts, func(context.Context, *bullmq.Job) (any, error) {
				starts <- time.Now()
				return nil, nil
			})
			b.waitCount(t, bullmq.StateCompleted, 12)
			var all []time.Time
			for range 12 {
				all = append(all, <-starts)
			}
			require.GreaterOrEqual(t, all[11].Sub(all[0]), 300*time.Millisecond, "three windows, the third one's first job at the end of the second")
		})
	}
}

func TestRateLimitByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ttl, err := b.queue.RateLimitTTL(b.ctx, 0)
	require.NoError(t, err)
	require.Zero(t, ttl)
	require.NoError(t, b.queue.RateLimit(b.ctx, time.Hour))
	ttl, err = b.queue.RateLimitTTL(b.ctx, 0)
	require.NoError(t, err)
	require.InDelta(t, time.Hour, ttl, float64(time.Minute))

	b.addMany(t, 1, nil)
	worker, err := bullmq.NewWorker(b.backend, "q", nil, &bullmq.WorkerOptions{
		Prefix: b.prefix, Limiter: &bullmq.RateLimit{Max: 10, Duration: time.Second},
	})
	require.NoError(t, err)
	_, err = worker.NextJob(b.ctx, nil)
	require.ErrorIs(t, err, bullmq.ErrNoJob)
	require.NoError(t, b.queue.RemoveRateLimit(b.ctx))
	_, err = worker.NextJob(b.ctx, nil)
	require.NoError(t, err)
}

func TestProcessorCanRateLimitItsQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.addMany(t, 2, nil)
	var tries atomic.Int64
	b.work(t, "q", bullmq.WorkerOptions{Limiter: &bullmq.RateLimit{Max: 100, Duration: time.Second}},
		func(_ context.Context, job *bullmq.Job) (any, error) {
			if tries.Add(1) == 1 {
				return nil, bullmq.RateLimitJob(50 * time.Millisecond)
			}
			return job.AttemptsMade, nil
		})
	b.waitCount(t, bullmq.StateCompleted, 2)
	require.EqualValues(t, 3, tries.Load())
	first, err := b.queue.Job(b.ctx, "1")
	require.NoError(t, err)
	require.Equal(t, 1, first.AttemptsMade, "the limited try is no attempt made")
	require.Equal(t, 2, first.AttemptsStarted)
}

func TestMetricsCountFinishedJobsByTheMinute(t *testing.T) {
	t.Parallel()
	clock := time.Date(2026, 5, 1, 12, 0, 30, 0, time.UTC)
	b := setup(t)
	backend, err := bullmq.OpenRedis(b.ctx, testenv.RedisURL(t), &bullmq.RedisOptions{Now: func() time.Time { return clock }})
	require.NoError(t, err)
	defer func() { require.NoError(t, backend.Close()) }()
	worker, err := bullmq.NewWorker(backend, "q", nil, &bullmq.WorkerOptions{
		Prefix: b.prefix, MetricsPoints: 3, Now: func() time.Time { return clock },
	})
	require.NoError(t, err)
	finish := func(n int) {
		for range n {
			b.addMany(t, 1, nil)
			job, err := worker.NextJob(b.ctx, nil)
			require.NoError(t, err)
			require.NoError(t, job.MoveToCompleted(b.ctx, nil))
		}
	}
	finish(4)
	clock = clock.Add(time.Minute)
	finish(1)
	clock = clock.Add(2 * time.Minute)
	finish(1)
	m, err := b.queue.Metrics(b.ctx, bullmq.StateCompleted, 0, -1)
	require.NoError(t, err)
	require.EqualValues(t, 6, m.Count)
	require.Equal(t, []int64{0, 1, 4}, m.Points, "the newest minute first")
	require.EqualValues(t, 3, m.Total)
}
