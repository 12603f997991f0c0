package interop

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// schedulerCases begin in the far future, so that what is stored does not
// depend on when the test runs.
var schedulerCases = map[string]struct {
	repeat json.RawMessage
	tmpl   schedulerTemplate
}{
	"every hour":             {raw(`{"every":3600000,"startDate":3786912000000}`), schedulerTemplate{Name: "echo"}},
	"a cron pattern":         {raw(`{"pattern":"0 15 3 * * *","tz":"Europe/Berlin","startDate":3786912000000}`), schedulerTemplate{Name: "echo"}},
	"a pattern of five":      {raw(`{"pattern":"*/5 9-17 * * 1-5","tz":"America/New_York","startDate":3786912000000}`), schedulerTemplate{Name: "echo"}},
	"a limit and an end":     {raw(`{"every":60000,"startDate":3786912000000,"endDate":3786998400000,"limit":7}`), schedulerTemplate{Name: "echo"}},
	"data":                   {raw(`{"every":60000,"startDate":3786912000000}`), schedulerTemplate{Name: "echo", Data: raw(`{"to":"<ü>","n":1.5}`)}},
	"options":                {raw(`{"every":60000,"startDate":3786912000000}`), schedulerTemplate{Name: "echo", Opts: raw(`{"attempts":3,"backoff":{"type":"exponential","delay":100},"removeOnComplete":10}`)}},
	"a priority":             {raw(`{"pattern":"0 0 * * *","tz":"UTC","startDate":3786912000000}`), schedulerTemplate{Name: "echo", Opts: raw(`{"priority":5}`)}},
	"data and options":       {raw(`{"pattern":"0 0 1 1 *","tz":"UTC","startDate":3786912000000,"limit":2}`), schedulerTemplate{Name: "echo", Data: raw(`[1,2]`), Opts: raw(`{"keepLogs":3}`)}},
	"no template":            {raw(`{"every":60000,"startDate":3786912000000}`), schedulerTemplate{Name: "daily"}},
	"an offset of the hours": {raw(`{"every":3600000,"offset":600000,"startDate":3786912000000}`), schedulerTemplate{Name: "echo"}},
}

func TestJobSchedulersAreTheSameInRedis(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	for name, c := range schedulerCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			dumps := map[string]keyspace{}
			for _, e := range []engine{node, goSide} {
				q := newQueue(t)
				require.NoError(t, e.upsertScheduler(ctx, q, "daily", c.repeat, c.tmpl))
				requireSameSchedulers(t, q, node, goSide)
				for _, state := range bullmq.JobStates {
					jobs, err := e.jobs(ctx, q, state)
					require.NoError(t, err)
					for _, job := range jobs {
						requireSameJob(t, q, job.ID, node, goSide)
					}
				}
				d, err := dump(ctx, redisOf(t), q)
				require.NoError(t, err)
				dumps[nameOf(e)] = withoutDelay(d.timeless())
			}
			require.Empty(t, cmp.Diff(dumps["Node"], dumps["Go"]), "-Node +Go")
		})
	}
}

// withoutDelay leaves out how far away the next run of a scheduler is.
func withoutDelay(d keyspace) keyspace {
	for _, value := range d {
		hash, ok := value.(map[string]any)
		if !ok {
			continue
		}
		delete(hash, "delay")
		if opts, ok := hash["opts"].(map[string]any); ok {
			delete(opts, "delay")
		}
	}
	return d
}

func requireSameSchedulers(t *testing.T, q bullmq.QueueRef, node, goSide engine) []schedulerView {
	t.Helper()
	ctx := testContext(t)
	want, err := node.schedulers(ctx, q)
	require.NoError(t, err)
	got, err := goSide.schedulers(ctx, q)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(normalSchedulers(want), normalSchedulers(got)), "-Node +Go")
	return want
}

// normalSchedulers leaves out template parts that say no more than their absence.
func normalSchedulers(views []schedulerView) []schedulerView {
	normal := make([]schedulerView, len(views))
	for i, v := range views {
		if v.Template == nil {
			v.Template = &templateView{}
		}
		tmpl := *v.Template
		if data, ok := tmpl.Data.(map[string]any); ok && len(data) == 0 {
			tmpl.Data = nil
		}
		if tmpl.Opts["attempts"] == 0.0 {
			delete(tmpl.Opts, "attempts")
		}
		if len(tmpl.Opts) == 0 {
			tmpl.Opts = nil
		}
		v.Template = &tmpl
		normal[i] = v
	}
	return normal
}

// clockCases are schedulers that end by themselves after three jobs.
var clockCases = map[string]json.RawMessage{
	"every 100 ms":      raw(`{"every":100,"limit":3}`),
	"each second, cron": raw(`{"pattern":"* * * * * *","limit":3}`),
	"cron, at once":     raw(`{"pattern":"* * * * * *","limit":3,"immediately":true}`),
}

func TestJobSchedulersRunAlikeWhoeverMadeThem(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	for name, repeat := range clockCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireAlike(t, pairs(goSide, node, newVersion5(t)), func(t *testing.T, p pair) []jobView {
				return runScheduler(t, p, repeat, node, goSide)
			})
		})
	}
}

// runScheduler returns the scheduler's jobs, first to last.
func runScheduler(t *testing.T, p pair, repeat json.RawMessage, node, goSide engine) []jobView {
	t.Helper()
	ctx, q := testContext(t), newQueue(t)
	stop := p.consumer.startWorker(t, q, workerOptions{})
	tmpl := schedulerTemplate{Name: "echo", Data: raw(`{"n":1}`), Opts: raw(`{"attempts":2}`)}
	require.NoError(t, p.producer.upsertScheduler(ctx, q, "tick", repeat, tmpl))
	awaitCounts(t, ctx, p.producer, q, map[string]int64{"completed": 3})
	stop()

	schedulers := requireSameSchedulers(t, q, node, goSide)
	require.Len(t, schedulers, 1)
	require.Equal(t, 3, schedulers[0].IterationCount)
	jobs, err := p.producer.jobs(ctx, q, bullmq.StateCompleted)
	require.NoError(t, err)
	require.Len(t, jobs, 3)
	var outcomes []jobView
	for i := range jobs {
		job := requireSameJob(t, q, jobs[len(jobs)-1-i].ID, node, goSide)
		require.True(t, strings.HasPrefix(job.ID, "repeat:tick:"), job.ID)
		outcomes = append(outcomes, timelessRepeat(job.outcome()))
	}
	return outcomes
}

// timelessRepeat leaves out of a scheduler's job what depends on the clock.
func timelessRepeat(job jobView) jobView {
	delete(job.Opts, "delay")
	if job.Opts["prevMillis"] != nil {
		job.Opts["prevMillis"] = "{ms}"
	}
	if repeat, ok := job.Opts["repeat"].(map[string]any); ok && repeat["offset"] != nil {
		repeat["offset"] = "{ms}"
	}
	return job
}

var tickID = regexp.MustCompile(`^repeat:tick:\d{13}$`)

func TestOneEngineChangesAndRemovesTheOthersJobScheduler(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	requireAlike(t, pairs(goSide, node, newVersion5(t)), func(t *testing.T, p pair) keyspace {
		ctx, q := testContext(t), newQueue(t)
		tmpl := schedulerTemplate{Name: "echo"}
		require.NoError(t, p.producer.upsertScheduler(ctx, q, "tick", raw(`{"every":60000,"startDate":3786912000000}`), tmpl))
		require.NoError(t, p.consumer.upsertScheduler(ctx, q, "tick", raw(`{"every":120000,"startDate":3786912060000}`), tmpl))
		schedulers := requireSameSchedulers(t, q, node, goSide)
		require.Len(t, schedulers, 1)
		require.Equal(t, int64(120000), schedulers[0].Every)
		jobs, err := p.producer.jobs(ctx, q, bullmq.StateDelayed)
		require.NoError(t, err)
		require.Len(t, jobs, 1)
		require.Regexp(t, tickID, jobs[0].ID)
		require.Error(t, p.consumer.do(ctx, q, jobs[0].ID, "remove", 0), "a scheduler's next job is removed with it only")

		require.NoError(t, p.producer.removeScheduler(ctx, q, "tick"))
		require.Empty(t, requireSameSchedulers(t, q, node, goSide))
		awaitCounts(t, ctx, p.consumer, q, nil)
		d, err := dump(ctx, redisOf(t), q)
		require.NoError(t, err)
		return withoutDelay(d.timeless())
	})
}
