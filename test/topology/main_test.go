package topology

import (
	"bytes"
	"context"
	"flag"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) {
	// The tests wait for servers to agree more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(8*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testenv.Main(m)
}

// openRedis connects for the length of a test.
func openRedis(t *testing.T, url string, opts *bullmq.RedisOptions) *bullmq.Redis {
	t.Helper()
	if opts == nil {
		opts = &bullmq.RedisOptions{Logger: slog.New(slog.DiscardHandler)}
	}
	r, err := bullmq.OpenRedis(t.Context(), url, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func newQueue(t *testing.T, b bullmq.Backend, ref bullmq.QueueRef) *bullmq.Queue {
	t.Helper()
	q, err := bullmq.NewQueue(b, ref.Name, &bullmq.QueueOptions{Prefix: ref.Prefix})
	require.NoError(t, err)
	return q
}

// work runs a worker until the test ends.
func work(t *testing.T, b bullmq.Backend, ref bullmq.QueueRef, opts bullmq.WorkerOptions, p bullmq.Processor) {
	t.Helper()
	opts.Prefix = ref.Prefix
	w, err := bullmq.NewWorker(b, ref.Name, p, &opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// echo is a processor that answers with the job's data.
func echo(_ context.Context, job *bullmq.Job) (any, error) { return job.Data, nil }

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// waitCount waits until a state of the queue holds n jobs.
func waitCount(t *testing.T, q *bullmq.Queue, state bullmq.JobState, n int64) {
	t.Helper()
	eventually(t, string(state)+" in "+q.Ref().String(), func() bool {
		counts, err := q.Counts(t.Context())
		return err == nil && counts[state] == n
	})
}

// roundTrip has a job added, worked and announced: what producers, workers and
// readers of events need.
func roundTrip(t *testing.T, r *bullmq.Redis, ref bullmq.QueueRef) {
	t.Helper()
	q := newQueue(t, r, ref)
	work(t, r, ref, bullmq.WorkerOptions{Name: "w"}, echo)
	events := bullmq.NewQueueEvents(q, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- events.Run(ctx, nil) }()
	job, err := q.Add(ctx, "job", map[string]int{"n": 1}, nil)
	require.NoError(t, err)
	result, err := events.Wait(ctx, job.ID)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":1}`, string(result))
	cancel()
	require.NoError(t, <-done)
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
