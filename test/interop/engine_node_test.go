package interop

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// nodeEngine is npm bullmq in a Node process.
type nodeEngine struct {
	*peer
	library string
}

// newNodeEngine returns the present version of npm bullmq.
func newNodeEngine(t *testing.T) *nodeEngine {
	t.Helper()
	return &nodeEngine{sharePeer(t, currentLibrary), currentLibrary}
}

// setApart is the state that waiting jobs of a paused queue have in version 5.
const setApart = "paused"

// newVersion5 returns version 5 of npm bullmq.
func newVersion5(t *testing.T) *nodeEngine {
	t.Helper()
	return &nodeEngine{sharePeer(t, version5), version5}
}

func nodeQueue(q bullmq.QueueRef) params { return params{"prefix": q.Prefix, "name": q.Name} }

// queue calls a method of Queue.
func (e *nodeEngine) queue(ctx context.Context, q bullmq.QueueRef, method string, result any, args ...any) error {
	return e.call(ctx, "queue", params{"queue": nodeQueue(q), "method": method, "args": append([]any{}, args...)}, result)
}

// onJob calls a method of a stored Job.
func (e *nodeEngine) onJob(ctx context.Context, q bullmq.QueueRef, id, method string, result any, args ...any) error {
	return e.call(ctx, "job", params{"queue": nodeQueue(q), "jobId": id, "method": method, "args": append([]any{}, args...)}, result)
}

func (e *nodeEngine) add(ctx context.Context, q bullmq.QueueRef, name string, data, opts json.RawMessage) (string, error) {
	var job jobView
	if len(opts) == 0 {
		opts = raw(`{}`)
	}
	err := e.queue(ctx, q, "add", &job, name, data, opts)
	return job.ID, err
}

func (e *nodeEngine) addBulk(ctx context.Context, q bullmq.QueueRef, bulk []bulkJob) ([]string, error) {
	var jobs []jobView
	err := e.queue(ctx, q, "addBulk", &jobs, bulk)
	ids := make([]string, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID
	}
	return ids, err
}

func (e *nodeEngine) addFlow(ctx context.Context, prefix string, tree flowNode) (flowIDs, error) {
	var result nodeFlow
	err := e.call(ctx, "flow", params{"prefix": prefix, "method": "add", "args": []any{tree}}, &result)
	return result.ids(), err
}

type nodeFlow struct {
	Job      jobView    `json:"job"`
	Children []nodeFlow `json:"children"`
}

func (f nodeFlow) ids() flowIDs {
	ids := flowIDs{ID: f.Job.ID}
	for _, child := range f.Children {
		ids.Children = append(ids.Children, child.ids())
	}
	return ids
}

func (e *nodeEngine) upsertScheduler(ctx context.Context, q bullmq.QueueRef, id string, repeat json.RawMessage, tmpl schedulerTemplate) error {
	return e.queue(ctx, q, "upsertJobScheduler", nil, id, repeat, tmpl)
}

func (e *nodeEngine) schedulers(ctx context.Context, q bullmq.QueueRef) ([]schedulerView, error) {
	var views []schedulerView
	err := e.queue(ctx, q, "getJobSchedulers", &views, 0, -1, true)
	return views, err
}

func (e *nodeEngine) removeScheduler(ctx context.Context, q bullmq.QueueRef, id string) error {
	return e.queue(ctx, q, "removeJobScheduler", nil, id)
}

func (e *nodeEngine) startWorker(t *testing.T, q bullmq.QueueRef, opts workerOptions) (stop func()) {
	t.Helper()
	ctx := testContext(t)
	var id string
	require.NoError(t, e.call(ctx, "startWorker", params{"queue": nodeQueue(q), "options": opts}, &id))
	stop = sync.OnceFunc(func() {
		require.NoError(t, e.call(context.WithoutCancel(ctx), "stopWorker", params{"worker": id}, nil))
	})
	t.Cleanup(stop)
	return stop
}

func (e *nodeEngine) job(ctx context.Context, q bullmq.QueueRef, id string) (jobView, error) {
	var job *jobView
	if err := e.queue(ctx, q, "getJob", &job, id); err != nil {
		return jobView{}, err
	}
	if job == nil {
		return jobView{}, bullmq.ErrJobNotFound
	}
	return *job, e.complete(ctx, q, job)
}

// complete adds what is not a field of the job.
func (e *nodeEngine) complete(ctx context.Context, q bullmq.QueueRef, job *jobView) error {
	if err := e.queue(ctx, q, "getJobState", &job.State, job.ID); err != nil {
		return err
	}
	if job.State == setApart {
		job.State = string(bullmq.StateWaiting)
	}
	var logs struct{ Logs []string }
	err := e.queue(ctx, q, "getJobLogs", &logs, job.ID)
	job.Logs = logs.Logs
	return err
}

func (e *nodeEngine) jobs(ctx context.Context, q bullmq.QueueRef, state bullmq.JobState) ([]jobView, error) {
	// Node lists the newest finished jobs first, others in the order they run with asc.
	asc := state != bullmq.StateCompleted && state != bullmq.StateFailed
	states := []string{string(state)}
	if state == bullmq.StateWaiting && e.library == version5 {
		states = append(states, setApart)
	}
	var jobs []jobView
	if err := e.queue(ctx, q, "getJobs", &jobs, states, 0, -1, asc); err != nil {
		return nil, err
	}
	for i := range jobs {
		if err := e.complete(ctx, q, &jobs[i]); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func (e *nodeEngine) counts(ctx context.Context, q bullmq.QueueRef) (map[string]int64, error) {
	states := make([]any, 0, len(bullmq.JobStates)+1)
	for _, state := range bullmq.JobStates {
		states = append(states, state)
	}
	if e.library == version5 {
		states = append(states, setApart)
	}
	counts := map[string]int64{}
	err := e.queue(ctx, q, "getJobCounts", &counts, states...)
	counts[string(bullmq.StateWaiting)] += counts[setApart]
	delete(counts, setApart)
	return counts, err
}

func (e *nodeEngine) dependencies(ctx context.Context, q bullmq.QueueRef, id string) (dependenciesView, error) {
	var view dependenciesView
	err := e.onJob(ctx, q, id, "getDependencies", &view)
	return view, err
}

func (e *nodeEngine) pause(ctx context.Context, q bullmq.QueueRef) error {
	return e.queue(ctx, q, "pause", nil)
}

func (e *nodeEngine) resume(ctx context.Context, q bullmq.QueueRef) error {
	return e.queue(ctx, q, "resume", nil)
}

func (e *nodeEngine) isPaused(ctx context.Context, q bullmq.QueueRef) (paused bool, err error) {
	err = e.queue(ctx, q, "isPaused", &paused)
	return paused, err
}

func (e *nodeEngine) do(ctx context.Context, q bullmq.QueueRef, id, operation string, arg int) error {
	switch operation {
	case "retry":
		job, err := e.job(ctx, q, id)
		if err != nil {
			return err
		}
		return e.onJob(ctx, q, id, "retry", nil, job.State)
	case "changeDelay":
		return e.onJob(ctx, q, id, operation, nil, arg)
	case "changePriority":
		return e.onJob(ctx, q, id, operation, nil, params{"priority": arg})
	default:
		return e.onJob(ctx, q, id, operation, nil)
	}
}

func (e *nodeEngine) follow(t *testing.T, q bullmq.QueueRef) (seen func() []eventView) {
	t.Helper()
	ctx := testContext(t)
	require.NoError(t, e.call(ctx, "follow", params{"queue": nodeQueue(q)}, nil))
	t.Cleanup(func() {
		require.NoError(t, e.call(context.WithoutCancel(ctx), "unfollow", params{"queue": nodeQueue(q)}, nil))
	})
	return func() []eventView {
		var events []eventView
		require.NoError(t, e.call(ctx, "seen", params{"queue": nodeQueue(q)}, &events))
		return events
	}
}

// finished is how a job ended for who waited for it.
type finished struct {
	Value any    `json:"value"`
	Error string `json:"error"`
}

// waitUntilFinished waits for jobs of a followed queue with job.waitUntilFinished.
func (e *nodeEngine) waitUntilFinished(ctx context.Context, q bullmq.QueueRef, ids []string) ([]finished, error) {
	var results []finished
	err := e.call(ctx, "waitUntilFinished", params{"queue": nodeQueue(q), "jobIds": ids, "ttl": patience.Milliseconds()}, &results)
	return results, err
}

func (e *nodeEngine) workers(ctx context.Context, q bullmq.QueueRef) ([]string, error) {
	var conns []struct{ RawName string }
	err := e.queue(ctx, q, "getWorkers", &conns)
	var names []string
	for _, c := range conns {
		_, name, _ := strings.Cut(c.RawName, ":w:")
		names = append(names, name)
	}
	return names, err
}
