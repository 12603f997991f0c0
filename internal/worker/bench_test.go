package worker_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// benchConcurrency is how many jobs run at once while a backlog is drained.
const benchConcurrency = 50

// BenchmarkDrain measures jobs with 1 KB of data that return it, worked off by
// the engine alone, by a compiled-in handler and by handlers in child processes:
//
//	go test -run '^$' -bench Drain -benchtime 50000x ./internal/worker
func BenchmarkDrain(b *testing.B) {
	b.Run("engine", func(b *testing.B) {
		drain(b, "echo", func(ctx context.Context, backend *bullmq.Redis, prefix string) error {
			w, err := bullmq.NewWorker(backend, "q", func(_ context.Context, job *bullmq.Job) (any, error) {
				return job.Data, nil
			}, &bullmq.WorkerOptions{Prefix: prefix, Concurrency: benchConcurrency})
			if err != nil {
				return err
			}
			return w.Run(ctx)
		})
	})
	for _, handler := range []struct{ name, file, text string }{
		{"echo", "", ""},
		{"node", "node.mjs", "export default (job) => job.data;\n"},
		{"python", "python.py", "from jobrunner import handler\n\n@handler()\nasync def python(job):\n    return job.data\n"},
	} {
		b.Run(handler.name, func(b *testing.B) {
			dir := b.TempDir()
			if handler.file != "" {
				require.NoError(b, os.WriteFile(filepath.Join(dir, handler.file), []byte(handler.text), 0o600))
			}
			drain(b, handler.name, func(ctx context.Context, backend *bullmq.Redis, prefix string) error {
				s, err := worker.New(worker.Options{
					Backend: backend, Prefix: prefix, HandlerDirs: []string{dir}, Logger: slog.New(slog.DiscardHandler),
					Settings: worker.Settings{Queues: []worker.Queue{{Name: "q", Concurrency: benchConcurrency}}},
					Runtime:  runtime.LoaderOptions{CacheDir: b.TempDir()},
				})
				if err != nil {
					return err
				}
				return s.Run(ctx)
			})
		})
	}
}

// drain measures from the resumption of a queue to the end of its last job.
func drain(b *testing.B, name string, run func(context.Context, *bullmq.Redis, string) error) {
	b.Helper()
	backend, err := bullmq.OpenRedis(b.Context(), testenv.RedisURL(b), nil)
	require.NoError(b, err)
	defer func() { require.NoError(b, backend.Close()) }()
	prefix := testenv.Prefix(b)
	queue, err := bullmq.NewQueue(backend, "q", &bullmq.QueueOptions{Prefix: prefix})
	require.NoError(b, err)
	add := func(jobs int) {
		data := json.RawMessage(`{"text":"` + strings.Repeat("x", 1000) + `"}`)
		for ; jobs > 0; jobs -= 1000 {
			bulk := make([]bullmq.BulkJob, min(jobs, 1000))
			for i := range bulk {
				bulk[i] = bullmq.BulkJob{Name: name, Data: data}
			}
			_, err := queue.AddBulk(b.Context(), bulk)
			require.NoError(b, err)
		}
	}
	await := func(completed int) {
		for {
			counts, err := queue.Counts(b.Context())
			require.NoError(b, err)
			if counts[bullmq.StateCompleted] == int64(completed) {
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, backend, prefix) }()
	add(100)
	await(100)
	require.NoError(b, queue.Pause(b.Context()))
	add(b.N)
	before := cpuTime(b)
	b.ResetTimer()
	require.NoError(b, queue.Resume(b.Context()))
	await(100 + b.N)
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
	cancel()
	require.NoError(b, <-done)
}

// cpuTime is what this process has used, which tells more than the time that
// has passed when others work beside it.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
