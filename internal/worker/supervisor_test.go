package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// bench is a running supervisor over the test's own key prefix.
type bench struct {
	t       *testing.T
	backend *bullmq.Redis
	prefix  string
	dir     string // a handler directory
	super   *worker.Supervisor
	cancel  func() // asks it to stop
	stop    func() // and waits until it has
}

// start runs a supervisor of the queue "q", after files were written to its
// handler directory and options were changed.
func start(t *testing.T, files map[string]string, change func(*worker.Options)) *bench {
	t.Helper()
	backend, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	b := &bench{t: t, backend: backend, prefix: testenv.Prefix(t), dir: realDir(t)}
	for name, text := range files {
		b.save(name, text)
	}
	opts := worker.Options{
		Backend: backend, Prefix: b.prefix, HandlerDirs: []string{b.dir}, ShutdownTimeout: 2 * time.Second,
		Settings: worker.Settings{
			Queues: []worker.Queue{{Name: "q", Concurrency: 10}}, UnknownRetry: 200 * time.Millisecond,
		},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Runtime: runtime.LoaderOptions{
			CacheDir: t.TempDir(), Limits: runtime.Limits{CancelGrace: 300 * time.Millisecond, StopGrace: time.Second},
		},
	}
	if change != nil {
		change(&opts)
	}
	b.super, err = worker.New(opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	b.cancel = cancel
	done := make(chan error, 1)
	go func() { done <- b.super.Run(ctx) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(b.stop)
	return b
}

func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	return dir
}

// save writes a handler file as editors do: beside the real one, then renamed.
func (b *bench) save(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	require.NoError(b.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(b.t, os.WriteFile(path+".tmp", []byte(text), 0o600))
	require.NoError(b.t, os.Rename(path+".tmp", path))
}

func (b *bench) queue(name string) *bullmq.Queue {
	b.t.Helper()
	q, err := bullmq.NewQueue(b.backend, name, &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(b.t, err)
	return q
}

func (b *bench) add(name, data string, opts *bullmq.JobOptions) *bullmq.Job {
	b.t.Helper()
	job, err := b.queue("q").Add(b.t.Context(), name, json.RawMessage(data), opts)
	require.NoError(b.t, err)
	return job
}

// until waits until something is so. It asks from the test's own goroutine, so
// that a question may fail the test.
func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-deadline:
			require.FailNow(b.t, "it never is so: "+what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// wait returns the job when it has got to the state.
func (b *bench) wait(job *bullmq.Job, want bullmq.JobState) *bullmq.Job {
	b.t.Helper()
	var got *bullmq.Job
	b.until(fmt.Sprintf("job %s of %s is %s", job.ID, job.Name, want), func() bool {
		state, err := job.State(b.t.Context())
		require.NoError(b.t, err)
		return state == want
	})
	got, err := b.queue(job.Queue.Name).Job(b.t.Context(), job.ID)
	require.NoError(b.t, err)
	return got
}

func (b *bench) run(name, data string) string {
	b.t.Helper()
	return string(b.wait(b.add(name, data, nil), bullmq.StateCompleted).ReturnValue)
}

func (b *bench) logs(job *bullmq.Job) []string {
	b.t.Helper()
	lines, _, err := job.Logs(b.t.Context(), 0, -1)
	require.NoError(b.t, err)
	return lines
}

// handler waits until the worker's catalogue has the handler in a condition.
func (b *bench) handler(name string, ok func(catalogue.Handler) bool) catalogue.Handler {
	b.t.Helper()
	reader := catalogue.NewReader(b.backend.Client(), b.prefix)
	var found catalogue.Handler
	b.until("handler "+name+" gets there", func() bool {
		workers, err := reader.Workers(b.t.Context())
		require.NoError(b.t, err)
		for _, w := range workers {
			for _, h := range w.Handlers {
				if h.Name == name && ok(h) {
					found = h
					return true
				}
			}
		}
		return false
	})
	return found
}

func define[In, Out any](t *testing.T, name string, fn handler.Func[In, Out], opts *handler.Options) *handler.Definition {
	t.Helper()
	d, err := handler.New(name, fn, opts)
	require.NoError(t, err)
	return d
}

func TestJobsRunWithTheHandlerOfTheirName(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{
		"shout.ts": `export default { name: "shout", version: "1.0.0",
			schema: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
			async run(job: { data: { text: string }, progress(v: unknown): Promise<void> }) {
				console.log("shouting"); await job.progress(50); return job.data.text.toUpperCase(); } };`,
		"count.py": "from jobrunner import handler\n\n@handler()\ndef count(job):\n    job.progress({'half': True})\n    return len(job.data['text'])\n",
	}, func(o *worker.Options) { o.Settings.Queues = append(o.Settings.Queues, worker.Queue{Name: "other"}) })

	require.JSONEq(t, `{"a":1}`, b.run("echo", `{"a":1}`))
	require.Equal(t, `"HELLO"`, b.run("shout", `{"text":"hello"}`))
	require.Equal(t, `5`, b.run("count", `{"text":"hello"}`))

	job := b.wait(b.add("shout", `{"text":"x"}`, nil), bullmq.StateCompleted)
	require.Equal(t, []string{"shouting"}, b.logs(job))
	require.JSONEq(t, `50`, string(job.Progress))
	require.NotEmpty(t, job.ProcessedBy)

	other, err := b.queue("other").Add(t.Context(), "count", json.RawMessage(`{"text":"abc"}`), nil)
	require.NoError(t, err)
	require.Equal(t, "3", string(b.wait(other, bullmq.StateCompleted).ReturnValue))
}

func TestDataAgainstTheSchemaFailsTheJobForGood(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	job := b.wait(b.add("sleep", `{"ms":"long"}`, &bullmq.JobOptions{Attempts: 5}), bullmq.StateFailed)
	require.Equal(t, 1, job.AttemptsMade)
	require.Equal(t, `the job's data does not meet the schema of handler "sleep": /ms got string, want integer`, job.FailedReason)
}

func TestAThrownErrorsStackIsKept(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{"bad.js": "export default () => {\n  null.x;\n};\n"}, nil)
	job := b.wait(b.add("bad", `{}`, nil), bullmq.StateFailed)
	require.Contains(t, job.FailedReason, "Cannot read properties of null")
	require.Len(t, job.Stacktrace, 1)
	require.Contains(t, job.Stacktrace[0], "TypeError: Cannot read properties of null")
	require.Contains(t, job.Stacktrace[0], "bad.js:2:")
}

func TestAPanicFailsTheJobWithItsStack(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) {
		o.Handlers = append(o.Handlers, define(t, "panics", func(handler.Context, any) (any, error) { panic("oh no") }, nil))
	})
	job := b.wait(b.add("panics", `{}`, nil), bullmq.StateFailed)
	require.Equal(t, "panic: oh no", job.FailedReason)
	require.Contains(t, job.Stacktrace[0], "supervisor_test.go")
	require.JSONEq(t, `{}`, b.run("echo", `{}`))
}

func TestAnAttemptEndsAtItsHandlersTimeout(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{
		"slow.mjs": `export default { name: "slow", defaults: { timeout: 100 }, run: () => new Promise(() => {}) };`,
	}, func(o *worker.Options) { o.Settings.Timeout = 150 * time.Millisecond })
	job := b.wait(b.add("slow", `{}`, nil), bullmq.StateFailed)
	require.Contains(t, job.FailedReason, "timed out after 100ms")
	job = b.wait(b.add("sleep", `{"ms":60000}`, nil), bullmq.StateFailed)
	require.Equal(t, "timed out after 150ms", job.FailedReason)
}

func TestAJobWithoutAHandlerWaitsForOne(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	job := b.add("later", `{}`, &bullmq.JobOptions{Attempts: 1})
	b.wait(job, bullmq.StateDelayed)
	require.Eventually(t, func() bool {
		got, err := b.queue("q").Job(t.Context(), job.ID)
		require.NoError(t, err)
		return got.AttemptsStarted >= 3
	}, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, []string{`this worker has no handler named "later"; the job waits until that changes`}, b.logs(job))
	b.save("later.js", `export default (job) => "at last";`)
	require.Equal(t, `"at last"`, string(b.wait(job, bullmq.StateCompleted).ReturnValue))
}

func TestAJobWithoutAHandlerCanFailAtOnce(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) { o.Settings.Unknown = worker.UnknownFail })
	job := b.wait(b.add("unheard-of", `{}`, &bullmq.JobOptions{Attempts: 5}), bullmq.StateFailed)
	require.Equal(t, `this worker has no handler named "unheard-of"`, job.FailedReason)
	require.Equal(t, 1, job.AttemptsMade)
}

func TestShutdownGivesRunningJobsBack(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{"stuck.mjs": `export default () => new Promise(() => {});`},
		func(o *worker.Options) { o.ShutdownTimeout = 100 * time.Millisecond })
	stuck, sleeping := b.add("stuck", `{}`, nil), b.add("sleep", `{"ms":60000}`, nil)
	b.wait(stuck, bullmq.StateActive)
	b.wait(sleeping, bullmq.StateActive)
	b.stop()
	for _, job := range []*bullmq.Job{stuck, sleeping} {
		require.Zero(t, b.wait(job, bullmq.StateWaiting).AttemptsMade)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	backend, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	queues := func(list ...worker.Queue) worker.Options {
		return worker.Options{Backend: backend, Settings: worker.Settings{Queues: list}}
	}
	with := func(change func(*worker.Options)) worker.Options {
		o := queues(worker.Queue{Name: "q"})
		change(&o)
		return o
	}
	for want, opts := range map[string]worker.Options{
		"a backend is required":                  {},
		"at least one queue is required":         queues(),
		`queue "q" is named twice`:               queues(worker.Queue{Name: "q"}, worker.Queue{Name: "q"}),
		"concurrency must be at least 1":         queues(worker.Queue{Name: "q", Concurrency: -1}),
		`queue "a:b": Queue name cannot contain`: queues(worker.Queue{Name: "a:b"}),
		"the name of a handler that it allows":   queues(worker.Queue{Name: "q", Handlers: []string{""}}),
		"a rate limit needs":                     queues(worker.Queue{Name: "q", RateLimit: &bullmq.RateLimit{Max: 1}}),
		"handler directory":                      with(func(o *worker.Options) { o.HandlerDirs = []string{"/nowhere/handlers"} }),
		`policy for jobs without a handler`:      with(func(o *worker.Options) { o.Settings.Unknown = "explode" }),
		`only printable ASCII without spaces`:    with(func(o *worker.Options) { o.Name = "mail worker" }),
		`handler "x": concurrency must be`: with(func(o *worker.Options) {
			o.Settings.Handlers = map[string]worker.HandlerSettings{"x": {Concurrency: -2}}
		}),
	} {
		_, err := worker.New(opts)
		require.ErrorContains(t, err, want)
	}
}
