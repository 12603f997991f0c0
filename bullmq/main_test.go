package bullmq_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// bench is one test's queue on a prefix of its own.
type bench struct {
	ctx     context.Context
	backend *bullmq.Redis
	prefix  string
	queue   *bullmq.Queue
}

func setup(t *testing.T) *bench {
	t.Helper()
	backend, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	b := &bench{ctx: t.Context(), backend: backend, prefix: testenv.Prefix(t)}
	b.queue = b.newQueue(t, "q")
	return b
}

func (b *bench) newQueue(t *testing.T, name string) *bullmq.Queue {
	t.Helper()
	q, err := bullmq.NewQueue(b.backend, name, &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(t, err)
	return q
}

// work runs a worker until the test ends or the returned function is called.
func (b *bench) work(t *testing.T, queue string, opts bullmq.WorkerOptions, p bullmq.Processor) (stop func()) {
	t.Helper()
	opts.Prefix = b.prefix
	w, err := bullmq.NewWorker(b.backend, queue, p, &opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		require.NoError(t, <-done)
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func (b *bench) counts(t *testing.T) bullmq.JobCounts {
	t.Helper()
	counts, err := b.queue.Counts(b.ctx)
	require.NoError(t, err)
	return counts
}

// waitCount waits until a state holds n jobs.
func (b *bench) waitCount(t *testing.T, state bullmq.JobState, n int64) {
	t.Helper()
	eventually(t, string(state), func() bool { return b.counts(t)[state] == n })
}
