package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// engine is one of those that share the queues. Options and trees are given
// as BullMQ writes them, so that both get the same.
type engine interface {
	add(ctx context.Context, q bullmq.QueueRef, name string, data, opts json.RawMessage) (id string, err error)
	addBulk(ctx context.Context, q bullmq.QueueRef, jobs []bulkJob) (ids []string, err error)
	addFlow(ctx context.Context, prefix string, tree flowNode) (flowIDs, error)
	upsertScheduler(ctx context.Context, q bullmq.QueueRef, id string, repeat json.RawMessage, tmpl schedulerTemplate) error
	schedulers(ctx context.Context, q bullmq.QueueRef) ([]schedulerView, error)
	removeScheduler(ctx context.Context, q bullmq.QueueRef, id string) error

	// startWorker runs the processors of the tests until stop, or the end of the test.
	startWorker(t *testing.T, q bullmq.QueueRef, opts workerOptions) (stop func())

	job(ctx context.Context, q bullmq.QueueRef, id string) (jobView, error)
	jobs(ctx context.Context, q bullmq.QueueRef, state bullmq.JobState) ([]jobView, error)
	counts(ctx context.Context, q bullmq.QueueRef) (map[string]int64, error)
	dependencies(ctx context.Context, q bullmq.QueueRef, id string) (dependenciesView, error)

	pause(ctx context.Context, q bullmq.QueueRef) error
	resume(ctx context.Context, q bullmq.QueueRef) error
	isPaused(ctx context.Context, q bullmq.QueueRef) (bool, error)
	// do runs an operation on a stored job: retry, promote, remove, changeDelay or changePriority.
	do(ctx context.Context, q bullmq.QueueRef, id, operation string, arg int) error

	// follow reads the queue's events from the oldest one until the test ends.
	follow(t *testing.T, q bullmq.QueueRef) (seen func() []eventView)
	workers(ctx context.Context, q bullmq.QueueRef) ([]string, error)
}

type bulkJob struct {
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
	Opts json.RawMessage `json:"opts,omitempty"`
}

type flowNode struct {
	Name     string          `json:"name"`
	Queue    string          `json:"queueName"`
	Data     json.RawMessage `json:"data,omitempty"`
	Opts     json.RawMessage `json:"opts,omitempty"`
	Children []flowNode      `json:"children,omitempty"`
}

type flowIDs struct {
	ID       string
	Children []flowIDs
}

type schedulerTemplate struct {
	Name string          `json:"name"`
	Data json.RawMessage `json:"data,omitempty"`
	Opts json.RawMessage `json:"opts,omitempty"`
}

type workerOptions struct {
	Name            string `json:"name,omitempty"`
	Concurrency     int    `json:"concurrency,omitempty"`
	LockDuration    int64  `json:"lockDuration,omitempty"`    // ms
	StalledInterval int64  `json:"stalledInterval,omitempty"` // ms
	DrainDelay      int64  `json:"drainDelay,omitempty"`      // s
}

// pair is who adds the jobs and who runs them.
type pair struct {
	producer, consumer engine
}

// pairs is every pairing of the Go engine with one version of npm bullmq. The
// first is the one to be equal to.
func pairs(goEngine, node, v5 engine) []pair {
	return []pair{
		{node, node},
		{goEngine, node},
		{node, goEngine},
		{goEngine, goEngine},
		{goEngine, v5},
		{v5, goEngine},
	}
}

// peer is the version of npm bullmq in the pair, or else the given one.
func (p pair) peer(other engine) engine {
	for _, e := range []engine{p.producer, p.consumer} {
		if n, ok := e.(*nodeEngine); ok {
			return n
		}
	}
	return other
}

func (p pair) String() string { return nameOf(p.producer) + " to " + nameOf(p.consumer) }

// requireAlike runs a scenario for every way to share it, at the same time, and
// checks that all leave the same behind as the first, which is Node alone.
func requireAlike[S fmt.Stringer, T any](t *testing.T, ways []S, run func(t *testing.T, way S) T) {
	t.Helper()
	left := make([]T, len(ways))
	done := t.Run("shared", func(t *testing.T) {
		for i, way := range ways {
			t.Run(way.String(), func(t *testing.T) {
				t.Parallel()
				left[i] = run(t, way)
			})
		}
	})
	if !done {
		return
	}
	for i, way := range ways[1:] {
		require.Empty(t, cmp.Diff(left[0], left[i+1]), "-%s +%s", ways[0], way)
	}
}

func nameOf(e engine) string {
	switch n, ok := e.(*nodeEngine); {
	case !ok:
		return "Go"
	case n.library == version5:
		return "Node's version 5"
	default:
		return "Node"
	}
}

// engines opens the Go engine and npm bullmq on the shared server.
func engines(t *testing.T) (goEngine, node engine) {
	t.Helper()
	return newGoEngine(t), newNodeEngine(t)
}

// newQueue returns a queue under a prefix that no other test has.
func newQueue(t *testing.T) bullmq.QueueRef {
	t.Helper()
	return bullmq.QueueRef{Prefix: testenv.Prefix(t), Name: "jobs"}
}

// testContext ends with the test, or earlier if the test takes too long.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until check says yes. Errors of check end the test.
func eventually(t *testing.T, what string, check func() (bool, error)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ok, err := check()
		require.NoError(t, err, what)
		if ok {
			return
		}
		require.True(t, time.Now().Before(deadline), "waited in vain until %s", what)
		time.Sleep(10 * time.Millisecond)
	}
}

// awaitCounts waits until the queue has exactly these jobs, as seen by e.
func awaitCounts(t *testing.T, ctx context.Context, e engine, q bullmq.QueueRef, want map[string]int64) {
	t.Helper()
	eventually(t, "the queue has the expected counts", func() (bool, error) {
		got, err := e.counts(ctx, q)
		if err != nil {
			return false, err
		}
		for state, n := range got {
			if n != want[state] {
				return false, nil
			}
		}
		return true, nil
	})
}

// awaitState waits until the job is in the state and returns it as it is then:
// a view is read in several steps, so the one that shows the state may be older
// in other fields.
func awaitState(t *testing.T, ctx context.Context, e engine, q bullmq.QueueRef, id string, want bullmq.JobState) jobView {
	t.Helper()
	eventually(t, "job "+id+" is "+string(want), func() (bool, error) {
		job, err := e.job(ctx, q, id)
		return job.State == string(want), err
	})
	job, err := e.job(ctx, q, id)
	require.NoError(t, err)
	return job
}

// raw is JSON text.
func raw(text string) json.RawMessage { return json.RawMessage(strings.TrimSpace(text)) }

// inQueue puts the queue's name where options or trees say "{queue}".
func inQueue(q bullmq.QueueRef, text json.RawMessage) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(string(text), "{queue}", q.String()))
}

// redisOf returns a client for raw commands on the shared server.
func redisOf(t *testing.T) rueidis.Client {
	t.Helper()
	option, err := rueidis.ParseURL(testenv.RedisURL(t))
	require.NoError(t, err)
	option.DisableCache = true
	client, err := rueidis.NewClient(option)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}
