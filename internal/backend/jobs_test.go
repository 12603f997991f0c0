package backend_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
)

// work runs a worker on a queue until the test ends.
func (e *env) work(t *testing.T, queue string, process bullmq.Processor) {
	t.Helper()
	w, err := bullmq.NewWorker(e.redis, queue, process, &bullmq.WorkerOptions{Prefix: e.prefix, Concurrency: 4, Name: "tester"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

func (e *env) submit(t *testing.T, queue string, job map[string]any) api.Job {
	t.Helper()
	var j api.Job
	e.call(t, "POST", "/queues/"+queue+"/jobs", job).ok(t, 201, &j)
	return j
}

func (e *env) job(t *testing.T, queue, id string) api.Job {
	t.Helper()
	var j api.Job
	e.call(t, "GET", "/queues/"+queue+"/jobs/"+escape(id), nil).ok(t, 200, &j)
	return j
}

func TestAJobIsSubmittedRunAndRead(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "mail")
		data := map[string]any{"to": "<é> & \"you\"", "n": 9007199254740993.0, "deep": []any{nil, true}}
		a := e.call(t, "POST", "/queues/mail/jobs", map[string]any{"name": "send", "data": data, "opts": map[string]any{"attempts": 2, "removeOnComplete": 10}})
		var j api.Job
		a.ok(t, 201, &j)
		require.Equal(t, "/api/v1/queues/mail/jobs/"+j.ID, a.header.Get("Location"))
		require.EqualValues(t, "waiting", j.State)
		require.Equal(t, 2, j.Opts.Attempts)

		e.work(t, "mail", func(ctx context.Context, job *bullmq.Job) (any, error) {
			return map[string]any{"ok": true}, errors.Join(job.UpdateProgress(ctx, 50), job.Log(ctx, "one"), job.Log(ctx, "two"))
		})
		eventually(t, "the job completes", func() bool { return e.job(t, "mail", j.ID).State == "completed" })
		j = e.job(t, "mail", j.ID)
		require.JSONEq(t, `{"ok":true}`, string(j.ReturnValue))
		require.JSONEq(t, `50`, string(j.Progress))
		require.Equal(t, "tester", j.ProcessedBy)
		require.NotNil(t, j.ProcessedOn)
		require.NotNil(t, j.FinishedOn)
		require.Equal(t, 1, j.AttemptsMade)
		sent, err := json.Marshal(data)
		require.NoError(t, err)
		require.JSONEq(t, string(sent), string(j.Data))

		var logs api.JobLogs
		e.call(t, "GET", "/queues/mail/jobs/"+j.ID+"/logs?limit=1", nil).ok(t, 200, &logs)
		require.Equal(t, []string{"one"}, logs.Items)
		require.EqualValues(t, 2, logs.Total)
		e.call(t, "GET", "/queues/mail/jobs/"+j.ID+"/logs?cursor="+logs.NextCursor, nil).ok(t, 200, &logs)
		require.Equal(t, []string{"two"}, logs.Items)
		e.call(t, "GET", "/queues/mail/jobs/nope/logs", nil).refused(t, 404, "job_not_found")

		e.call(t, "DELETE", "/queues/mail/jobs/"+j.ID, nil).ok(t, 204, nil)
		e.call(t, "GET", "/queues/mail/jobs/"+j.ID, nil).refused(t, 404, "job_not_found")
		e.call(t, "DELETE", "/queues/mail/jobs/"+j.ID, nil).refused(t, 404, "job_not_found")
	})
}

func TestAFailedJobIsRetried(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		tries := 0
		e.work(t, "q", func(context.Context, *bullmq.Job) (any, error) {
			if tries++; tries == 1 {
				return nil, errors.New("no luck")
			}
			return "done", nil
		})
		j := e.submit(t, "q", map[string]any{"name": "x"})
		eventually(t, "it fails", func() bool { return e.job(t, "q", j.ID).State == "failed" })
		j = e.job(t, "q", j.ID)
		require.Equal(t, "no luck", j.FailedReason)
		require.Len(t, j.Stacktrace, 1)
		e.call(t, "POST", "/queues/q/jobs/"+j.ID+"/retry", nil).ok(t, 200, nil)
		eventually(t, "it completes", func() bool { return e.job(t, "q", j.ID).State == "completed" })
	})
}

func TestJobsAreListedByStateInParts(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		for i := range 5 {
			e.submit(t, "q", map[string]any{"name": "x", "data": i})
		}
		e.submit(t, "q", map[string]any{"name": "later", "opts": map[string]any{"delay": 60_000}})
		e.submit(t, "q", map[string]any{"name": "urgent", "opts": map[string]any{"priority": 3}})
		var seen []string
		for cursor := ""; ; {
			var page api.Page[api.Job]
			e.call(t, "GET", "/queues/q/jobs?limit=2&cursor="+cursor, nil).ok(t, 200, &page)
			require.EqualValues(t, 5, *page.Total)
			for _, j := range page.Items {
				seen = append(seen, string(j.Data))
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		require.Equal(t, []string{"0", "1", "2", "3", "4"}, seen)
		for state, name := range map[string]string{"delayed": "later", "prioritized": "urgent"} {
			var page api.Page[api.Job]
			e.call(t, "GET", "/queues/q/jobs?state="+state, nil).ok(t, 200, &page)
			require.Len(t, page.Items, 1)
			require.Equal(t, name, page.Items[0].Name)
			require.EqualValues(t, state, page.Items[0].State)
		}
		e.call(t, "GET", "/queues/q/jobs?state=completed&cursor=xxx", nil).refused(t, 422, "invalid_cursor", "query.cursor")
	})
}

func TestADelayedJobIsPromoted(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		j := e.submit(t, "q", map[string]any{"name": "x", "opts": map[string]any{"delay": 60_000}})
		require.EqualValues(t, "delayed", j.State)
		require.EqualValues(t, 60_000, j.Delay)
		var promoted api.Job
		e.call(t, "POST", "/queues/q/jobs/"+j.ID+"/promote", nil).ok(t, 200, &promoted)
		require.EqualValues(t, "waiting", promoted.State)
		e.call(t, "POST", "/queues/q/jobs/"+j.ID+"/promote", nil).refused(t, 409, "job_not_in_state")
		e.call(t, "POST", "/queues/q/jobs/"+j.ID+"/retry", nil).refused(t, 409, "job_not_in_state")
	})
}

func TestABulkIsAddedWholeOrNotAtAll(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		jobs := make([]map[string]any, 300)
		for i := range jobs {
			jobs[i] = map[string]any{"name": "x", "data": map[string]int{"i": i}}
		}
		var out api.BulkResults
		e.call(t, "POST", "/queues/q/jobs/bulk", map[string]any{"jobs": jobs}).ok(t, 201, &out)
		require.Equal(t, 300, out.Added)
		require.JSONEq(t, `{"i":299}`, string(out.Items[299].Job.Data))

		jobs[7]["opts"] = map[string]any{"jobId": "12"}
		jobs[9]["opts"] = map[string]any{"jobId": "a:b"}
		e.call(t, "POST", "/queues/q/jobs/bulk", map[string]any{"jobs": jobs}).
			refused(t, 422, "validation_failed", "body.jobs[7].opts.jobId", "body.jobs[9].opts.jobId")
		e.call(t, "POST", "/queues/q/jobs/bulk", map[string]any{"jobs": []any{}}).refused(t, 422, "validation_failed", "body.jobs")
		e.call(t, "POST", "/queues/none/jobs/bulk", map[string]any{"jobs": jobs}).refused(t, 404, "queue_not_found", "path.queue")
		var q api.Queue
		e.call(t, "GET", "/queues/q", nil).ok(t, 200, &q)
		require.EqualValues(t, 300, q.Counts.Waiting)
	})
}

func TestAJobWithAnIDThatIsThereIsNotAddedAgain(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		e.submit(t, "q", map[string]any{"name": "first", "opts": map[string]any{"jobId": "an/odd id"}})
		j := e.submit(t, "q", map[string]any{"name": "second", "opts": map[string]any{"jobId": "an/odd id"}})
		require.Equal(t, "first", j.Name)
		require.Equal(t, "first", e.job(t, "q", "an/odd id").Name)
	})
}

func TestAQueuesOwnKeysAreNoJobs(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		e.submit(t, "q", map[string]any{"name": "x"})
		for _, id := range []string{"meta", "wait", "id", "events", "1:logs", "metrics:completed:data", "repeat:x"} {
			e.call(t, "GET", "/queues/q/jobs/"+escape(id), nil).refused(t, 404, "job_not_found")
			e.call(t, "DELETE", "/queues/q/jobs/"+escape(id), nil).refused(t, 404, "job_not_found")
		}
	})
}

func TestAQueueIsMadePausedAndCounted(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		a := e.call(t, "POST", "/queues", map[string]string{"name": "a b/ü"})
		a.ok(t, 201, nil)
		path := a.header.Get("Location")
		require.Equal(t, "/api/v1/queues/a%20b%2F%C3%BC", path)
		e.call(t, "POST", "/queues", map[string]string{"name": "a b/ü"}).ok(t, 200, nil)
		e.call(t, "POST", "/"+path+"/jobs", map[string]string{"name": "x"}).ok(t, 201, nil)
		var q api.Queue
		e.call(t, "POST", "/"+path+"/pause", nil).ok(t, 200, &q)
		require.True(t, q.Paused)
		require.Equal(t, "a b/ü", q.Name)
		require.EqualValues(t, 1, q.Counts.Waiting)
		var stats api.Stats
		e.call(t, "GET", "/stats", nil).ok(t, 200, &stats)
		require.Equal(t, 1, stats.PausedQueues)
		require.EqualValues(t, 1, stats.Jobs.Waiting)
		e.call(t, "POST", "/"+path+"/resume", nil).ok(t, 200, &q)
		require.False(t, q.Paused)

		e.work(t, "a b/ü", func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
		eventually(t, "the worker is counted", func() bool {
			e.call(t, "GET", "/"+path, nil).ok(t, 200, &q)
			return q.Workers == 1 && q.Counts.Completed == 1
		})
		var workers api.Workers
		e.call(t, "GET", "/workers", nil).ok(t, 200, &workers)
		require.Len(t, workers.Connections, 1)
		require.Equal(t, "tester", workers.Connections[0].Name)
	})
}

func TestAQueueOfAnotherProgramIsFound(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.call(t, "GET", "/queues/node", nil).refused(t, 404, "queue_not_found", "path.queue")
		q, err := bullmq.NewQueue(e.redis, "node", &bullmq.QueueOptions{Prefix: e.prefix})
		require.NoError(t, err)
		_, err = q.Add(t.Context(), "x", nil, nil)
		require.NoError(t, err)
		e.call(t, "GET", "/queues/node", nil).ok(t, 200, nil)
		var list api.Page[api.Queue]
		e.call(t, "GET", "/queues", nil).ok(t, 200, &list)
		require.Len(t, list.Items, 1)
		// A queue that only has a worker is known, too.
		e.work(t, "served", func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
		eventually(t, "the served queue is known", func() bool { return e.call(t, "GET", "/queues/served", nil).status == 200 })
	})
}
