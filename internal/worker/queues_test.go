package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// addTo adds a job to a queue.
func (b *bench) addTo(queue, name, data string) *bullmq.Job {
	b.t.Helper()
	job, err := b.queue(queue).Add(b.t.Context(), name, json.RawMessage(data), nil)
	require.NoError(b.t, err)
	return job
}

// served waits until the catalogue's entry of the worker says that it serves the queues.
func (b *bench) served(want ...string) catalogue.Worker {
	b.t.Helper()
	return b.worker(func(w *catalogue.Worker) bool {
		names := make([]string, len(w.Queues))
		for i, q := range w.Queues {
			names[i] = q.Name
		}
		return fmt.Sprint(names) == fmt.Sprint(want)
	})
}

// worker waits until the worker's entry in the catalogue is in a condition.
func (b *bench) worker(ok func(*catalogue.Worker) bool) catalogue.Worker {
	b.t.Helper()
	reader := catalogue.NewReader(b.backend.Client(), b.prefix)
	var got catalogue.Worker
	b.until("the worker's entry is as it should be", func() bool {
		workers, err := reader.Workers(b.t.Context())
		require.NoError(b.t, err)
		if len(workers) != 1 {
			return false
		}
		got = workers[0]
		return ok(&got)
	})
	return got
}

func fastDiscovery(o *worker.Options) { o.Discover = 50 * time.Millisecond }

func TestQueuesThatFitAPatternAreServedAsTheyComeAndGo(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) {
		fastDiscovery(o)
		o.Settings.Queues = []worker.Queue{{Name: "mail-*", Concurrency: 3}, {Name: "mail-slow"}}
	})
	b.served("mail-slow")
	require.Equal(t, `1`, string(b.wait(b.addTo("mail-in", "echo", "1"), bullmq.StateCompleted).ReturnValue))
	b.addTo("sms", "echo", "1")
	w := b.served("mail-in", "mail-slow")
	require.Equal(t, catalogue.Queue{Name: "mail-in", Concurrency: 3, Pattern: "mail-*"}, w.Queues[0])
	require.Equal(t, catalogue.Queue{Name: "mail-slow", Concurrency: 1}, w.Queues[1], "its own name goes before a pattern")
	require.NoError(t, b.queue("mail-in").Pause(t.Context()))
	require.NoError(t, b.queue("mail-in").Obliterate(t.Context(), true))
	b.served("mail-slow")
}

func TestAQueueRunsOnlyTheHandlersItAllows(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) {
		o.Settings.Queues = []worker.Queue{{Name: "q", Handlers: []string{"echo", "list-*"}}}
	})
	require.Equal(t, "1", b.run("echo", "1"))
	b.run("list-handlers", `{}`)
	job := b.add("sleep", `{"ms":1}`, nil)
	b.wait(job, bullmq.StateDelayed)
	require.Equal(t, []string{`this worker does not run the handler "sleep" on the queue "q"; the job waits until that changes`}, b.logs(job))
	require.NoError(t, b.super.Apply(t.Context(), worker.Settings{Queues: []worker.Queue{{Name: "q", Handlers: []string{"*"}}}}))
	require.Zero(t, b.wait(job, bullmq.StateCompleted).StalledCounter)
}

func TestEachQueueHasItsPrefix(t *testing.T) {
	t.Parallel()
	other := testenv.Prefix(t)
	b := start(t, nil, func(o *worker.Options) {
		o.Settings.Queues = append(o.Settings.Queues, worker.Queue{Name: "q", Prefix: other})
	})
	require.Equal(t, "1", b.run("echo", "1"))
	queue, err := bullmq.NewQueue(b.backend, "q", &bullmq.QueueOptions{Prefix: other})
	require.NoError(t, err)
	job, err := queue.Add(t.Context(), "echo", 2, nil)
	require.NoError(t, err)
	b.until("the job of the other prefix is completed", func() bool {
		state, err := job.State(t.Context())
		return err == nil && state == bullmq.StateCompleted
	})
	for _, prefix := range []string{b.prefix, other} {
		workers, err := catalogue.NewReader(b.backend.Client(), prefix).Workers(t.Context())
		require.NoError(t, err)
		require.Len(t, workers, 1)
		require.Len(t, workers[0].Queues, 1, "a prefix is told of its own queues")
	}
}

func TestARateLimitHoldsTheQueueBack(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) {
		o.Settings.Queues = []worker.Queue{{Name: "q", Concurrency: 5, RateLimit: &bullmq.RateLimit{Max: 2, Duration: time.Hour}}}
	})
	for range 5 {
		b.add("echo", "1", nil)
	}
	b.until("two jobs have run and three wait", func() bool {
		counts, err := b.queue("q").Counts(t.Context())
		require.NoError(t, err)
		return counts[bullmq.StateCompleted] == 2 && counts[bullmq.StateWaiting] == 3
	})
}

func TestSettingsThatChangeAreTakenOver(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	running := b.add("sleep", `{"ms":300}`, nil)
	b.wait(running, bullmq.StateActive)
	next := worker.Settings{
		Queues:   []worker.Queue{{Name: "other", Concurrency: 2}},
		Handlers: map[string]worker.HandlerSettings{"echo": {Disabled: true}},
	}
	require.NoError(t, b.super.Apply(t.Context(), next))
	w := b.served("other")
	require.Equal(t, 2, w.Queues[0].Concurrency)
	require.Equal(t, 1, b.wait(running, bullmq.StateCompleted).AttemptsStarted, "a queue that is dropped ends its jobs")
	b.handler("echo", func(h catalogue.Handler) bool { return h.Disabled && h.InService() })

	require.ErrorContains(t, b.super.Apply(t.Context(), worker.Settings{}), "at least one queue is required")
	b.served("other")

	job := b.addTo("other", "echo", "1")
	b.wait(job, bullmq.StateDelayed)
	require.Equal(t, []string{`the handler "echo" is disabled in this worker; the job waits until that changes`}, b.logs(job))
	next.Handlers = nil
	next.Queues[0].Concurrency = 7
	require.NoError(t, b.super.Apply(t.Context(), next))
	b.wait(job, bullmq.StateCompleted)
	b.worker(func(w *catalogue.Worker) bool { return w.Queues[0].Concurrency == 7 })
}

func TestAWorkerHasItsName(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) { o.Name = "mailer-1" })
	require.Equal(t, "mailer-1", b.served("q").Name)
	require.Equal(t, "mailer-1", b.wait(b.add("echo", "1", nil), bullmq.StateCompleted).ProcessedBy)
	b.until("BullMQ lists the worker by its name", func() bool {
		workers, err := b.queue("q").Workers(t.Context())
		require.NoError(t, err)
		return len(workers) == 1 && workers[0].Name == "mailer-1"
	})
}

func TestAWorkerIsPausedAndResumedFromElsewhere(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	w := b.served("q")
	reader := catalogue.NewReader(b.backend.Client(), b.prefix)
	require.NoError(t, reader.Order(t.Context(), w.ID, catalogue.Orders{Paused: true}))
	b.worker(func(w *catalogue.Worker) bool { return w.Paused })
	job := b.add("echo", "1", nil)
	require.NoError(t, b.super.Apply(t.Context(), worker.Settings{Queues: []worker.Queue{{Name: "q", Concurrency: 3}, {Name: "r"}}}))
	b.served("q", "r")
	later := b.addTo("r", "echo", "1")
	for _, j := range []*bullmq.Job{job, later} {
		require.Equal(t, bullmq.StateWaiting, b.state(j))
	}
	require.NoError(t, reader.Order(t.Context(), w.ID, catalogue.Orders{}))
	b.wait(job, bullmq.StateCompleted)
	b.wait(later, bullmq.StateCompleted)
	b.worker(func(w *catalogue.Worker) bool { return !w.Paused })
}

func (b *bench) state(job *bullmq.Job) bullmq.JobState {
	b.t.Helper()
	state, err := job.State(b.t.Context())
	require.NoError(b.t, err)
	return state
}

func TestAJobThatAnotherWorkerRunsGetsThereSoon(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) {
		o.Settings.UnknownRetry = time.Hour
		o.Settings.Queues = []worker.Queue{{Name: "q", Handlers: []string{"list-handlers"}}}
	})
	b.served("q")
	other, err := worker.New(worker.Options{
		Backend: b.backend, Prefix: b.prefix, Settings: worker.Settings{Queues: []worker.Queue{{Name: "q"}}},
		Runtime: runtime.LoaderOptions{CacheDir: t.TempDir()}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- other.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	<-other.Ready()
	for _, job := range b.addMany("q", "echo", 20) {
		require.Empty(t, b.logs(b.wait(job, bullmq.StateCompleted)))
	}
}
