package backend_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// waits waits until the job waits for that reason, and returns it.
func (e *env) waits(t *testing.T, queue, id, reason string) *api.JobWaiting {
	t.Helper()
	var got *api.JobWaiting
	eventually(t, "the job waits because of "+reason, func() bool {
		got = e.job(t, queue, id).Waiting
		return got != nil && string(got.Reason) == reason
	})
	require.NotEmpty(t, got.Detail)
	return got
}

// supervise runs a JobRunner worker until the test ends.
func (e *env) supervise(t *testing.T, settings worker.Settings, handlers ...*handler.Definition) *worker.Supervisor {
	t.Helper()
	s, err := worker.New(worker.Options{
		Backend: e.redis, Prefix: e.prefix, Settings: settings, Handlers: handlers, Name: "w1",
		Runtime: runtime.LoaderOptions{CacheDir: t.TempDir()}, ShutdownTimeout: 100 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	eventually(t, "the worker is listed", func() bool {
		var workers api.Workers
		e.call(t, "GET", "/workers", nil).ok(t, 200, &workers)
		return len(workers.Items) == 1 && len(workers.Items[0].Queues) > 0
	})
	return s
}

func TestAJobSaysWhyItWaits(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "mail")
		id := e.submit(t, "mail", map[string]any{"name": "send"}).ID
		require.Contains(t, e.waits(t, "mail", id, "no-worker").Detail, "jobrunner worker --queue mail")
		e.call(t, "POST", "/queues/mail/pause", nil).ok(t, 200, nil)
		e.waits(t, "mail", id, "queue-paused")
		e.call(t, "POST", "/queues/mail/resume", nil).ok(t, 200, nil)

		later := e.submit(t, "mail", map[string]any{"name": "send", "opts": map[string]any{"delay": 3_600_000}})
		due := e.waits(t, "mail", later.ID, "delayed")
		require.Equal(t, later.Timestamp+3_600_000, *due.Until)
		require.Contains(t, due.Detail, "No worker serves the queue", "that is not all it waits for")

		producer := bullmq.NewFlowProducer(e.redis, &bullmq.FlowOptions{Prefix: e.prefix})
		tree, err := producer.Add(t.Context(), bullmq.FlowJob{Name: "p", Queue: "mail", Children: []bullmq.FlowJob{{Name: "c", Queue: "mail"}}})
		require.NoError(t, err)
		require.Equal(t, "It waits for 1 job to finish.", e.waits(t, "mail", tree.Job.ID, "children").Detail)

		require.NoError(t, e.redis.SetGlobalRateLimit(t.Context(), bullmq.QueueRef{Prefix: e.prefix, Name: "mail"}, bullmq.RateLimit{Max: 1, Duration: time.Hour}))
		e.work(t, "mail", func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
		eventually(t, "one job runs", func() bool { return e.job(t, "mail", id).State == "completed" })
		limited := e.submit(t, "mail", map[string]any{"name": "send"})
		require.NotNil(t, e.waits(t, "mail", limited.ID, "rate-limited").Until)
		require.Nil(t, e.job(t, "mail", id).Waiting, "a job that has ended waits for nothing")
	})
}

func TestAJobSaysWhatItsHandlerKeepsItFrom(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		slow, err := handler.New("slow", func(ctx handler.Context, _ any) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, &handler.Options{Defaults: handler.Defaults{Concurrency: 1}})
		require.NoError(t, err)
		s := e.supervise(t, worker.Settings{
			Queues:       []worker.Queue{{Name: "mail", Concurrency: 2}, {Name: "some", Handlers: []string{"echo"}}},
			Handlers:     map[string]worker.HandlerSettings{"sleep": {Disabled: true}},
			UnknownRetry: time.Hour,
		}, slow)

		e.call(t, "POST", "/queues/mail/jobs", `{"name":"later"}`).refused(t, 422, "handler_not_found", "body.name")
		var j api.Job
		e.call(t, "POST", "/queues/mail/jobs?unknownHandler=wait", `{"name":"later"}`).ok(t, 201, &j)
		require.Equal(t, `No worker of the queue has a handler "later". The job runs as soon as one is there.`,
			e.waits(t, "mail", j.ID, "no-handler").Detail)
		e.call(t, "POST", "/queues/some/jobs/bulk?unknownHandler=wait", `{"jobs":[{"name":"sleep","data":{"ms":1}}]}`).ok(t, 201, nil)
		require.Contains(t, e.waits(t, "some", "1", "handler-not-allowed").Detail, "w1")

		disabled := e.submit(t, "mail", map[string]any{"name": "sleep", "data": map[string]int{"ms": 1}})
		require.Contains(t, e.waits(t, "mail", disabled.ID, "handler-disabled").Detail, "configuration of w1")
		require.NoError(t, s.Apply(t.Context(), worker.Settings{Queues: []worker.Queue{{Name: "mail", Concurrency: 2}}, UnknownRetry: time.Hour}))
		eventually(t, "the job runs", func() bool { return e.job(t, "mail", disabled.ID).State == "completed" })

		var last string
		for range 40 {
			last = e.submit(t, "mail", map[string]any{"name": "slow"}).ID
		}
		eventually(t, "the job is put back", func() bool { return e.waits(t, "mail", last, "handler-busy").Until != nil })
		var h api.Handler
		eventually(t, "the load is told", func() bool {
			e.call(t, "GET", "/handlers/slow", nil).ok(t, 200, &h)
			return h.Running == 1 && h.Held > 0
		})
		require.Equal(t, 1, h.On[0].Concurrency)
		require.Equal(t, "w1", h.On[0].Worker)
	})
}

func TestAWorkerIsPausedAndResumed(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.supervise(t, worker.Settings{Queues: []worker.Queue{{Name: "mail"}, {Name: "sms"}}})
		find := func() api.Worker {
			var workers api.Workers
			e.call(t, "GET", "/workers", nil).ok(t, 200, &workers)
			return workers.Items[0]
		}
		w := find()
		var paused api.Worker
		e.call(t, "POST", "/workers/"+w.ID+"/pause", nil).ok(t, 200, &paused)
		require.True(t, paused.Paused)
		eventually(t, "the worker says so", func() bool { return find().Paused })
		job := e.submit(t, "mail", map[string]any{"name": "echo"})
		e.waits(t, "mail", job.ID, "workers-paused")

		e.key(t, []string{"queues:admin"}, "mail").call(t, "POST", "/workers/"+w.ID+"/resume", nil).refused(t, 403, "queue_forbidden", "path.id")
		e.key(t, []string{"queues:admin"}, "other").call(t, "POST", "/workers/"+w.ID+"/resume", nil).refused(t, 404, "worker_not_found", "path.id")
		e.call(t, "POST", "/workers/none/resume", nil).refused(t, 404, "worker_not_found", "path.id")
		e.call(t, "POST", "/workers/"+w.ID+"/resume", nil).ok(t, 200, nil)
		eventually(t, "the job runs", func() bool { return e.job(t, "mail", job.ID).State == "completed" })
	})
}

func TestHandlersAdviseTheOptionsOfTheirJobs(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		w := mailer
		w.Handlers = []catalogue.Handler{{
			Name: "send", Version: "1+a", Kind: catalogue.KindCustom,
			Defaults: &catalogue.Defaults{Attempts: 4, Backoff: &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: time.Second}},
		}}
		e.publish(t, w)
		const advised = `{"attempts":4,"backoff":{"type":"exponential","delay":1000}}`
		requireOpts := func(want string, opts api.StoredJobOptions) {
			t.Helper()
			text, err := json.Marshal(opts)
			require.NoError(t, err)
			require.JSONEq(t, want, string(text))
		}
		requireOpts(advised, e.job(t, "mail", e.submit(t, "mail", map[string]any{"name": "send"}).ID).Opts)
		own := e.submit(t, "mail", map[string]any{"name": "send", "opts": map[string]any{"attempts": 1, "backoff": 5}})
		requireOpts(`{"attempts":1,"backoff":{"type":"fixed","delay":5}}`, e.job(t, "mail", own.ID).Opts)

		var bulk api.BulkResults
		e.call(t, "POST", "/queues/mail/jobs/bulk", `{"jobs":[{"name":"send"}]}`).ok(t, 201, &bulk)
		requireOpts(advised, e.job(t, "mail", bulk.Items[0].Job.ID).Opts)

		var s api.Schedule
		e.call(t, "POST", "/queues/mail/schedules", `{"id":"s","every":3600000,"template":{"name":"send"}}`).ok(t, 201, &s)
		requireOpts(advised, s.Template.Opts)

		var f api.Flow
		e.call(t, "POST", "/flows", `{"name":"f","definition":{"name":"send","queue":"mail","children":[{"name":"send","queue":"mail"}]}}`).ok(t, 201, &f)
		var run api.FlowRunDetail
		e.call(t, "POST", "/flows/"+f.ID+"/runs", `{}`).ok(t, 201, &run)
		for _, id := range []string{run.Root.JobID, run.Root.Children[0].JobID} {
			require.Equal(t, 4, e.job(t, "mail", id).Opts.Attempts)
		}
	})
}

func TestHandlersOfAllWorkersAreMerged(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		failed := &catalogue.LoadError{Message: "no good", File: "send.js", Line: 2, Frame: "> 2 | oh", At: time.UnixMilli(5)}
		one, two := mailer, mailer
		one.ID, one.Name, one.Handlers = "one", "old", []catalogue.Handler{{Name: "send", Version: "1.0.0+a", Kind: catalogue.KindCustom}}
		one.Load = []catalogue.Load{{Handler: "send", Running: 3, Concurrency: 5, Draining: []catalogue.Draining{{Version: "0.9.0+z", Running: 1}}}}
		two.ID, two.Name, two.StartedAt = "two", "new", time.UnixMilli(2000)
		two.Queues = []catalogue.Queue{{Name: "mail"}, {Name: "other", Handlers: []string{"echo"}}}
		two.Handlers = []catalogue.Handler{{Name: "send", Version: "1.1.0+b", Kind: catalogue.KindCustom, Description: "sends", Error: failed}}
		e.publish(t, one)
		e.publish(t, two)
		var h api.Handler
		eventually(t, "both are there", func() bool {
			return e.call(t, "GET", "/handlers/send", nil).status == http.StatusOK &&
				func() bool { e.call(t, "GET", "/handlers/send", nil).ok(t, 200, &h); return h.Workers == 2 }()
		})
		shown := &api.HandlerError{Message: "no good", File: "send.js", Line: 2, Frame: "> 2 | oh", At: 5}
		require.Equal(t, api.Handler{
			Name: "send", Kind: "custom", Version: "1.1.0+b", Description: "sends", Queues: []string{"mail"},
			Workers: 2, Running: 3, Error: shown,
			On: []api.HandlerWorker{
				{WorkerID: "two", Worker: "new", Host: "box", Version: "1.1.0+b", Hash: "b", Draining: []api.HandlerVersion{}, Error: shown},
				{
					WorkerID: "one", Worker: "old", Host: "box", Version: "1.0.0+a", Hash: "a", Running: 3, Concurrency: 5,
					Draining: []api.HandlerVersion{{Version: "0.9.0+z", Running: 1}},
				},
			},
		}, h)
	})
}
