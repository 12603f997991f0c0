package interop

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// runCases are single jobs and the state they end in; "" for one that is removed.
var runCases = map[string]struct {
	job bulkJob
	end bullmq.JobState
}{
	"a result":                       {bulkJob{"echo", raw(`{"text":"<ü> / 😀","n":1.5}`), nil}, bullmq.StateCompleted},
	"no result":                      {bulkJob{"nothing", raw(`{}`), nil}, bullmq.StateCompleted},
	"progress and logs":              {bulkJob{"report", raw(`{}`), nil}, bullmq.StateCompleted},
	"logs that are trimmed":          {bulkJob{"report", raw(`{}`), raw(`{"keepLogs":1}`)}, bullmq.StateCompleted},
	"a delay":                        {bulkJob{"echo", raw(`{}`), raw(`{"delay":30}`)}, bullmq.StateCompleted},
	"a priority":                     {bulkJob{"echo", raw(`{}`), raw(`{"priority":3}`)}, bullmq.StateCompleted},
	"a delay and a priority":         {bulkJob{"echo", raw(`{}`), raw(`{"priority":3,"delay":30}`)}, bullmq.StateCompleted},
	"lifo":                           {bulkJob{"echo", raw(`{}`), raw(`{"lifo":true}`)}, bullmq.StateCompleted},
	"a custom id":                    {bulkJob{"echo", raw(`{}`), raw(`{"jobId":"custom"}`)}, bullmq.StateCompleted},
	"a failure":                      {bulkJob{"fail", raw(`{"message":"no <such> thing"}`), nil}, bullmq.StateFailed},
	"a failure without a message":    {bulkJob{"fail", raw(`{"message":""}`), nil}, bullmq.StateFailed},
	"failures until attempts end":    {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"attempts":3}`)}, bullmq.StateFailed},
	"failures with a fixed backoff":  {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"attempts":3,"backoff":20}`)}, bullmq.StateFailed},
	"failures with longer backoffs":  {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"attempts":3,"backoff":{"type":"exponential","delay":10}}`)}, bullmq.StateFailed},
	"a failure and a success":        {bulkJob{"flaky", raw(`{"failures":2}`), raw(`{"attempts":5}`)}, bullmq.StateCompleted},
	"a backoff and a success":        {bulkJob{"flaky", raw(`{"failures":1}`), raw(`{"attempts":5,"backoff":10}`)}, bullmq.StateCompleted},
	"a prioritized job that retries": {bulkJob{"flaky", raw(`{"failures":2}`), raw(`{"attempts":5,"priority":4}`)}, bullmq.StateCompleted},
	"a lifo job that retries":        {bulkJob{"flaky", raw(`{"failures":2}`), raw(`{"attempts":5,"lifo":true}`)}, bullmq.StateCompleted},
	"an unrecoverable failure":       {bulkJob{"hopeless", raw(`{"message":"never"}`), raw(`{"attempts":5}`)}, bullmq.StateFailed},
	"one stack trace kept":           {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"attempts":3,"stackTraceLimit":1}`)}, bullmq.StateFailed},
	"no stack trace kept":            {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"attempts":2,"stackTraceLimit":0}`)}, bullmq.StateFailed},
	"removal on completion":          {bulkJob{"echo", raw(`{}`), raw(`{"removeOnComplete":true}`)}, ""},
	"removal on failure":             {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"removeOnFail":true}`)}, ""},
	"a name without a processor":     {bulkJob{"unheard-of", raw(`{}`), nil}, bullmq.StateFailed},
}

// ending is all that a job leaves behind.
type ending struct {
	State, ProcessedBy string
	Job                jobView
	Events             []any
	Keys               keyspace
}

func TestJobsEndAlikeWhoeverAddsAndRunsThem(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	for name, c := range runCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireAlike(t, pairs(goSide, node, newVersion5(t)), func(t *testing.T, p pair) ending {
				return runToEnd(t, p, c.job, c.end, node, goSide)
			})
		})
	}
}

// runToEnd lets p add and run a job, and checks that both engines see the same
// of it on the way.
func runToEnd(t *testing.T, p pair, job bulkJob, end bullmq.JobState, node, goSide engine) ending {
	t.Helper()
	ctx, q := testContext(t), newQueue(t)
	goSeen, nodeSeen := goSide.follow(t, q), node.follow(t, q)
	stop := p.consumer.startWorker(t, q, workerOptions{Name: "runner"})
	id, err := p.producer.add(ctx, q, job.Name, job.Data, job.Opts)
	require.NoError(t, err)

	last := "completed"
	if end == bullmq.StateFailed || job.Name == "fail" {
		last = "failed"
	}
	eventually(t, "both see the end of the job", func() (bool, error) {
		return has(goSeen(), last) && has(nodeSeen(), last), nil
	})
	stop()
	if end == "" {
		id = ""
	}
	e := endingOf(t, q, id, node, goSide, nodeSeen, goSeen)
	if end != "" {
		require.Equal(t, string(end), e.State)
		require.Equal(t, "runner", e.ProcessedBy)
	}
	return e
}

// endingOf reads what is left of a job, unless id is empty, and of its queue.
// Both engines must see the same of it.
func endingOf(t *testing.T, q bullmq.QueueRef, id string, node, goSide engine, nodeSeen, goSeen func() []eventView) ending {
	t.Helper()
	eventually(t, "both have seen the same events", func() (bool, error) {
		return len(goSeen()) == len(nodeSeen()), nil
	})
	require.Empty(t, cmp.Diff(nodeSeen(), goSeen()), "events: -Node +Go")
	var e ending
	for _, ev := range nodeSeen() {
		e.Events = append(e.Events, cleanValue(map[string]any(ev)))
	}
	if id != "" {
		view := requireSameJob(t, q, id, node, goSide)
		e.State, e.ProcessedBy = view.State, view.ProcessedBy
		e.Job = view.outcome()
	}
	keys, err := dump(testContext(t), redisOf(t), q)
	require.NoError(t, err)
	e.Keys = keys.timeless()
	return e
}

func has(events []eventView, name string) bool {
	for _, ev := range events {
		if ev["event"] == name {
			return true
		}
	}
	return false
}
