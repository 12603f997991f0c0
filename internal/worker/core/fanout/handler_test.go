package fanout_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/fanout"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// bench is a real worker of the queues "q" and "other" with handlers for children.
type bench struct {
	t       *testing.T
	backend *bullmq.Redis
	prefix  string

	mu   sync.Mutex
	runs map[string]int // guarded by mu; of the children's data
	good bool           // guarded by mu; "picky" takes everything
}

func start(t *testing.T, opts fanout.Options) *bench {
	t.Helper()
	return startWith(t, core.Options{FanOut: opts})
}

func startWith(t *testing.T, opts core.Options, handlers ...*handler.Definition) *bench {
	t.Helper()
	backend, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	b := &bench{t: t, backend: backend, prefix: testenv.Prefix(t), runs: map[string]int{}}
	double, err := handler.New("double", func(_ handler.Context, in float64) (float64, error) {
		b.ran(fmt.Sprint(in))
		return 2 * in, nil
	}, nil)
	require.NoError(t, err)
	picky, err := handler.New("picky", func(_ handler.Context, in struct {
		N int `json:"n"`
	},
	) (int, error) {
		b.ran(fmt.Sprint(in.N))
		if in.N%2 == 1 && !b.takesAll() {
			return 0, fmt.Errorf("%d is odd", in.N)
		}
		return in.N, nil
	}, nil)
	require.NoError(t, err)
	super, err := worker.New(worker.Options{
		Backend: backend, Prefix: b.prefix, Core: opts, Handlers: append(handlers, double, picky),
		Settings: worker.Settings{Queues: []worker.Queue{{Name: "q", Concurrency: 10}, {Name: "other", Concurrency: 10}}},
		Logger:   slog.New(slog.NewTextHandler(t.Output(), nil)), ShutdownTimeout: 2 * time.Second,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- super.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return b
}

func (b *bench) ran(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[what]++
}

func (b *bench) takesAll() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.good
}

func (b *bench) counts() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.runs)
}

func (b *bench) queue(name string) *bullmq.Queue {
	b.t.Helper()
	q, err := bullmq.NewQueue(b.backend, name, &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(b.t, err)
	return q
}

func (b *bench) add(data string) *bullmq.Job {
	b.t.Helper()
	job, err := b.queue("q").Add(b.t.Context(), "fan-out", json.RawMessage(data), nil)
	require.NoError(b.t, err)
	return job
}

// wait returns the job when it has got to the state.
func (b *bench) wait(job *bullmq.Job, want bullmq.JobState) *bullmq.Job {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		state, err := job.State(b.t.Context())
		require.NoError(b.t, err)
		return state == want
	}, 30*time.Second, 5*time.Millisecond, "job %s never became %s", job.ID, want)
	got, err := b.queue(job.Queue.Name).Job(b.t.Context(), job.ID)
	require.NoError(b.t, err)
	return got
}

func (b *bench) result(data string) fanout.Result {
	b.t.Helper()
	job := b.wait(b.add(data), bullmq.StateCompleted)
	var result fanout.Result
	require.NoError(b.t, json.Unmarshal(job.ReturnValue, &result))
	return result
}

func texts(results []json.RawMessage) []string {
	list := make([]string, len(results))
	for i, r := range results {
		list[i] = string(r)
	}
	return list
}

func TestResultsComeInTheOrderOfTheItems(t *testing.T) {
	t.Parallel()
	b := start(t, fanout.Options{Queues: []string{"oth*"}})
	result := b.result(`{"items":[5,3,1,4],"child":{"name":"double"}}`)
	require.Equal(t, 4, result.Completed)
	require.Equal(t, []string{"10", "6", "2", "8"}, texts(result.Results))
	require.Equal(t, map[string]int{"5": 1, "3": 1, "1": 1, "4": 1}, b.counts())

	elsewhere := b.result(`{"items":["x"],"child":{"name":"echo","queue":"other","data":{"who":"{{item}}","at":"{{index}}"},"opts":{"priority":3,"removeOnComplete":true}}}`)
	require.Equal(t, []string{`{"at":0,"who":"x"}`}, texts(elsewhere.Results))

	batches := b.result(`{"items":[1,2,3,4,5],"batchSize":2,"child":{"name":"echo"}}`)
	require.Equal(t, []string{`{"items":[1,2]}`, `{"items":[3,4]}`, `{"items":[5]}`}, texts(batches.Results))

	none := b.result(`{"items":[],"child":{"name":"echo"}}`)
	require.Zero(t, none.Children)
	numbers := b.result(`{"items":[1,2],"child":{"name":"double"},"noResults":true}`)
	require.Equal(t, fanout.Result{Children: 2, Completed: 2}, numbers)
}

func TestThousandsOfChildrenAreAddedInPortions(t *testing.T) {
	t.Parallel()
	b := start(t, fanout.Options{MaxResultBytes: 100})
	items := make([]int, 1234)
	for i := range items {
		items[i] = i
	}
	list, err := json.Marshal(items)
	require.NoError(t, err)
	job := b.wait(b.add(`{"items":`+string(list)+`,"child":{"name":"double","opts":{"removeOnComplete":true}}}`), bullmq.StateCompleted)
	require.JSONEq(t, `{"children":1234,"completed":1234,"failed":0,"omitted":true}`, string(job.ReturnValue))
	require.JSONEq(t, `{"added":1234,"total":1234}`, string(job.Progress))
	require.Len(t, b.counts(), 1234)
	require.Zero(t, job.AttemptsMade-1, "waiting costs no attempt")
}

func TestAFailedChildMeansWhatTheJobSays(t *testing.T) {
	t.Parallel()
	b := start(t, fanout.Options{})
	const items = `"items":[{"n":2},{"n":3},{"n":4},{"n":5}],"child":{"name":"picky"}`
	failed := b.wait(b.add(`{`+items+`}`), bullmq.StateFailed)
	require.Regexp(t, `^child [13] failed: [35] is odd$`, failed.FailedReason)

	ignored := b.result(`{` + items + `,"onFailure":"ignore"}`)
	require.Equal(t, []string{"2", "null", "4", "null"}, texts(ignored.Results))
	require.Equal(t, []fanout.Failure{{Index: 1, Reason: "3 is odd"}, {Index: 3, Reason: "5 is odd"}}, ignored.Failures)

	counted := b.result(`{` + items + `,"onFailure":"count","maxFailures":2}`)
	require.Equal(t, 2, counted.Failed)
	tooMany := b.wait(b.add(`{`+items+`,"onFailure":"count","maxFailures":1}`), bullmq.StateFailed)
	require.Equal(t, "2 of 4 children failed, more than the 1 allowed; the first: 3 is odd", tooMany.FailedReason)
}

func TestAJobThatIsTriedAgainAddsOnlyWhatHasNoResult(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{`"onFailure":"fail"`, `"onFailure":"count"`} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			b := start(t, fanout.Options{})
			job := b.wait(b.add(`{"items":[{"n":2},{"n":4},{"n":5}],"child":{"name":"picky"},`+policy+`}`), bullmq.StateFailed)
			require.Eventually(t, func() bool { return len(b.counts()) == 3 }, 10*time.Second, time.Millisecond)
			b.mu.Lock()
			b.good = true
			b.mu.Unlock()
			require.NoError(t, job.Retry(t.Context(), nil))
			again := b.wait(job, bullmq.StateCompleted)
			var result fanout.Result
			require.NoError(t, json.Unmarshal(again.ReturnValue, &result))
			require.Equal(t, []string{"2", "4", "5"}, texts(result.Results))
			require.Equal(t, 2, b.counts()["5"])
		})
	}
}

// brokenOff is the context of an attempt that ends when it has added children,
// before it knows that it has.
type brokenOff struct{ handler.Context }

func (c brokenOff) AddChildren(jobs ...handler.NewJob) ([]handler.AddedJob, error) {
	added, err := c.Context.AddChildren(jobs...)
	if err == nil && c.Job().Attempt == 1 {
		return nil, errors.New("cut off")
	}
	return added, err
}

func TestAnAttemptThatWasCutOffAddsNoChildTwice(t *testing.T) {
	t.Parallel()
	d, err := fanout.New(fanout.Options{})
	require.NoError(t, err)
	cut, err := handler.New("fan-out", func(ctx handler.Context, _ json.RawMessage) (json.RawMessage, error) {
		return d.Run(brokenOff{ctx})
	}, nil)
	require.NoError(t, err)
	b := startWith(t, core.Options{Omit: []string{"fan-out"}}, cut)
	items := make([]int, 700) // more than one portion
	for i := range items {
		items[i] = i
	}
	list, err := json.Marshal(items)
	require.NoError(t, err)
	job, err := b.queue("q").Add(t.Context(), "fan-out", json.RawMessage(`{"items":`+string(list)+`,"child":{"name":"double"}}`), &bullmq.JobOptions{Attempts: 2})
	require.NoError(t, err)
	job = b.wait(job, bullmq.StateCompleted)
	var result fanout.Result
	require.NoError(t, json.Unmarshal(job.ReturnValue, &result))
	require.Len(t, result.Results, 700)
	require.Equal(t, "1398", string(result.Results[699]))
	for what, times := range b.counts() {
		require.Equal(t, 1, times, what)
	}
}

func TestAnAttemptAfterACrashFindsItsChildren(t *testing.T) {
	t.Parallel()
	d, err := fanout.New(fanout.Options{})
	require.NoError(t, err)
	ctx := coretest.New(t.Context(), "fan-out", `{"items":[1,2,3],"child":{"name":"double"}}`)
	_, err = coretest.Run(t, d, ctx)
	require.ErrorContains(t, err, "waits for its children")
	_, err = coretest.Run(t, d, ctx)
	require.ErrorContains(t, err, "waits for its children")
	added := ctx.AddedChildren()
	require.Len(t, added, 6)
	for i := range 3 {
		require.Equal(t, added[i].Opts.ID, added[i+3].Opts.ID, "the same child, which is there already")
		require.True(t, added[i].Opts.ContinueParentOnFailure)
	}

	errStop := errors.New("stop")
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errStop)
	_, err = coretest.Run(t, d, coretest.New(stopped, "fan-out", `{"items":[1],"child":{"name":"double"}}`))
	require.ErrorIs(t, err, errStop)
}

func TestWhatCannotBeAddedIsRefusedBeforeAnythingIs(t *testing.T) {
	t.Parallel()
	d, err := fanout.New(fanout.Options{MaxItems: 3, MaxBytes: 50, Queues: []string{"mail-*"}})
	require.NoError(t, err)
	for data, want := range map[string]string{
		`{"items":[1,2,3,4],"child":{"name":"x"}}`:                                                "4 items, more than the 3 allowed",
		`{"items":["0123456789012345678901234567890123456789012345678901"],"child":{"name":"x"}}`: "more than the 50 bytes",
		`{"items":[1],"child":{"name":"fan-out"}}`:                                                "could grow without end",
		`{"items":[1],"child":{"name":"x","queue":"reports"}}`:                                    `does not add to queue "reports"; allow it with the setting "fan-out-queue"`,
		`{"items":[1],"child":{"name":"x","opts":{"jobId":"a"}}}`:                                 `"jobId" is for fan-out to decide`,
		`{"items":[1],"child":{"name":"x","opts":{"parent":{}}}}`:                                 `"parent" is for fan-out to decide`,
		`{"items":[1],"child":{"name":"x","opts":{"attempts":"two"}}}`:                            "child: opts:",
		`{"items":[{"a":1},{}],"child":{"name":"x","data":"{{item.a}}"}}`:                         `child 1 has no "a"`,
		`{"items":[1],"batchSize":2,"child":{"name":"x","data":"{{item}}"}}`:                      "there are {{items}}",
	} {
		ctx := coretest.New(t.Context(), "fan-out", data)
		_, err := coretest.Run(t, d, ctx)
		coretest.RequireFinal(t, err, true, want)
		require.Empty(t, ctx.AddedChildren())
	}
}
