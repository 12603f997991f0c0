package interop

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// addCases are the ways to add jobs, all at one frozen time.
var addCases = map[string][]bulkJob{
	"no options":                   {{Name: "plain", Data: raw(`{"a":1}`), Opts: raw(`{"timestamp":1700000000000}`)}},
	"data that needs care":         {{Name: "näme <b>", Data: raw(`{"text":"<a> & \"ü\" / \\ 😀","n":1.5,"big":9007199254740991,"none":null,"list":[]}`), Opts: raw(`{"timestamp":1700000000000}`)}},
	"data that is no object":       {{Name: "a", Data: raw(`"text"`), Opts: raw(`{"timestamp":1700000000000}`)}, {Name: "b", Data: raw(`[1,"2",{}]`), Opts: raw(`{"timestamp":1700000000000}`)}, {Name: "c", Data: raw(`null`), Opts: raw(`{"timestamp":1700000000000}`)}},
	"first in, first out":          inOrder(`{}`, `{}`, `{}`),
	"last in, first out":           inOrder(`{}`, `{"lifo":true}`, `{"lifo":true}`),
	"delay":                        inOrder(`{"delay":5000}`),
	"delays to the same moment":    inOrder(`{"delay":5000}`, `{"delay":5000}`, `{"delay":5000}`, `{"delay":4999}`),
	"priorities":                   inOrder(`{"priority":5}`, `{"priority":1}`, `{"priority":5}`, `{"priority":2097151}`, `{}`),
	"delay with priority":          inOrder(`{"delay":100,"priority":7}`),
	"lifo with priority":           inOrder(`{"priority":7}`, `{"priority":7,"lifo":true}`),
	"custom id":                    inOrder(`{"jobId":"mail-42"}`),
	"custom id of three parts":     inOrder(`{"jobId":"a:b:c"}`),
	"the same custom id twice":     inOrder(`{"jobId":"twin"}`, `{"jobId":"twin"}`, `{}`),
	"attempts":                     inOrder(`{"attempts":3}`),
	"backoff in milliseconds":      inOrder(`{"attempts":3,"backoff":1000}`),
	"fixed backoff":                inOrder(`{"attempts":3,"backoff":{"type":"fixed","delay":250}}`),
	"exponential backoff":          inOrder(`{"attempts":3,"backoff":{"type":"exponential","delay":250,"jitter":0.5}}`),
	"remove at once":               inOrder(`{"removeOnComplete":true,"removeOnFail":true}`),
	"keep all":                     inOrder(`{"removeOnComplete":false,"removeOnFail":false}`),
	"keep some":                    inOrder(`{"removeOnComplete":100,"removeOnFail":0}`),
	"keep by age and count":        inOrder(`{"removeOnComplete":{"age":3600,"count":10},"removeOnFail":{"age":60,"limit":5}}`),
	"keep by count in an object":   inOrder(`{"removeOnComplete":{"count":10},"removeOnFail":{"count":0}}`),
	"logs and stack traces":        inOrder(`{"keepLogs":5,"stackTraceLimit":1}`, `{"stackTraceLimit":0}`),
	"size limit":                   inOrder(`{"sizeLimit":1000}`),
	"options of the user's making": inOrder(`{"tenant":{"id":7,"tags":["a"]}}`),
	"child that fails its parent":  underParent(`"failParentOnFailure":true`),
	"child the parent runs after":  underParent(`"continueParentOnFailure":true`),
	"child that may fail":          underParent(`"ignoreDependencyOnFailure":true`),
	"child that is forgotten":      underParent(`"removeDependencyOnFailure":true`),
	"child without a policy":       underParent(``),
}

// inOrder adds one job for each of the options.
func inOrder(opts ...string) []bulkJob {
	jobs := make([]bulkJob, len(opts))
	for i, o := range opts {
		frozen := `{"timestamp":1700000000000}`
		if o != `{}` {
			frozen = `{"timestamp":1700000000000,` + o[1:]
		}
		jobs[i] = bulkJob{Name: "ordered", Data: raw(`{}`), Opts: raw(frozen)}
	}
	return jobs
}

// underParent adds a parent and a child of it. "{queue}" stands for their queue.
func underParent(policy string) []bulkJob {
	opts := `{"parent":{"id":"parent","queue":"{queue}"}`
	if policy != "" {
		opts += "," + policy
	}
	return inOrder(`{"jobId":"parent"}`, opts+"}")
}

func TestAddedJobsAreTheSameInRedis(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	for name, jobs := range addCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := addedDump(t, node, jobs)
			got := addedDump(t, goSide, jobs)
			require.Empty(t, cmp.Diff(want, got), "-Node +Go")
		})
	}
}

func addedDump(t *testing.T, e engine, jobs []bulkJob) keyspace {
	t.Helper()
	ctx, q := testContext(t), newQueue(t)
	addAll(t, e, q, jobs)
	d, err := dump(ctx, redisOf(t), q)
	require.NoError(t, err)
	return d.withoutVersion()
}

func addAll(t *testing.T, e engine, q bullmq.QueueRef, jobs []bulkJob) (ids []string) {
	t.Helper()
	ctx := testContext(t)
	for _, job := range jobs {
		id, err := e.add(ctx, q, job.Name, job.Data, inQueue(q, job.Opts))
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

func TestBulkAddedJobsAreTheSameInRedis(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	ctx := testContext(t)
	var bulk []bulkJob
	for _, name := range []string{"first in, first out", "priorities", "delay", "the same custom id twice", "last in, first out"} {
		bulk = append(bulk, addCases[name]...)
	}
	dumps := map[string]keyspace{}
	for _, e := range []engine{node, goSide} {
		q := newQueue(t)
		ids, err := e.addBulk(ctx, q, bulk)
		require.NoError(t, err)
		require.Len(t, ids, len(bulk))
		d, err := dump(ctx, redisOf(t), q)
		require.NoError(t, err)
		dumps[nameOf(e)] = d.withoutVersion()
	}
	require.Empty(t, cmp.Diff(dumps["Node"], dumps["Go"]), "-Node +Go")
}

func TestGettersShowAJobAlike(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	v5 := newVersion5(t)
	for name, jobs := range addCases {
		for _, p := range []pair{{node, goSide}, {goSide, node}, {v5, goSide}, {goSide, v5}} {
			t.Run(name+", "+p.String(), func(t *testing.T) {
				t.Parallel()
				q := newQueue(t)
				for _, id := range addAll(t, p.producer, q, jobs) {
					requireSameJob(t, q, id, p.peer(node), goSide)
				}
				requireSameQueue(t, q, p.peer(node), goSide)
			})
		}
	}
}

// requireSameJob checks that both engines read the same of a job.
func requireSameJob(t *testing.T, q bullmq.QueueRef, id string, node, goSide engine) jobView {
	t.Helper()
	ctx := testContext(t)
	want, err := node.job(ctx, q, id)
	require.NoError(t, err)
	got, err := goSide.job(ctx, q, id)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want.normal(), got.normal()), "-Node +Go")
	return want
}

// requireSameQueue checks that both engines count and list a queue alike.
func requireSameQueue(t *testing.T, q bullmq.QueueRef, node, goSide engine) {
	t.Helper()
	ctx := testContext(t)
	want, err := node.counts(ctx, q)
	require.NoError(t, err)
	got, err := goSide.counts(ctx, q)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(want, got), "-Node +Go")
	for _, state := range bullmq.JobStates {
		want, err := node.jobs(ctx, q, state)
		require.NoError(t, err)
		got, err := goSide.jobs(ctx, q, state)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(normalAll(want), normalAll(got)), "%s: -Node +Go", state)
	}
}

func normalAll(jobs []jobView) []jobView {
	normal := make([]jobView, len(jobs))
	for i, job := range jobs {
		normal[i] = job.normal()
	}
	return normal
}
