package core_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
)

// serveQueue runs a worker of the queue "q" with the core handlers.
func serveQueue(t *testing.T, opts core.Options) *bullmq.Queue {
	t.Helper()
	backend, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	prefix := testenv.Prefix(t)
	super, err := worker.New(worker.Options{
		Backend: backend, Prefix: prefix, Core: opts, ShutdownTimeout: 2 * time.Second,
		Settings: worker.Settings{Queues: []worker.Queue{{Name: "q", Concurrency: 1}}},
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- super.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	queue, err := bullmq.NewQueue(backend, "q", &bullmq.QueueOptions{Prefix: prefix})
	require.NoError(t, err)
	return queue
}

func await(t *testing.T, job *bullmq.Job, want bullmq.JobState) {
	t.Helper()
	require.Eventually(t, func() bool {
		state, err := job.State(t.Context())
		require.NoError(t, err)
		return state == want
	}, 30*time.Second, 5*time.Millisecond, "job %s never became %s", job.ID, want)
}

func TestAJobThatAServerAsksToWaitLeavesItsSlotToOthers(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Retry-After", "2")
			http.Error(w, "later", http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(server.Close)
	queue := serveQueue(t, core.Options{Dialer: coretest.Loopback(), Hold: time.Millisecond})
	first, err := queue.Add(t.Context(), "http-request", map[string]any{"url": server.URL}, nil)
	require.NoError(t, err)
	await(t, first, bullmq.StateDelayed)
	second, err := queue.Add(t.Context(), "echo", 1, nil)
	require.NoError(t, err)
	await(t, second, bullmq.StateCompleted)
	await(t, first, bullmq.StateCompleted)
	ended, err := queue.Job(t.Context(), first.ID)
	require.NoError(t, err)
	require.Equal(t, 1, ended.AttemptsMade, "waiting costs no attempt")
	require.Equal(t, 2, ended.AttemptsStarted)
	lines, _, err := ended.Logs(t.Context(), 0, -1)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(lines), "the server asks to wait 2s, so the job is put back until then")
}
