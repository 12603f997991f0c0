package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// goEngine is this project's engine.
type goEngine struct {
	redis *bullmq.Redis
}

func newGoEngine(t *testing.T) *goEngine {
	t.Helper()
	redis, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, redis.Close()) })
	return &goEngine{redis}
}

func (e *goEngine) queue(q bullmq.QueueRef) *bullmq.Queue {
	queue, err := bullmq.NewQueue(e.redis, q.Name, &bullmq.QueueOptions{Prefix: q.Prefix})
	if err != nil {
		panic(err) // the tests' own names are valid
	}
	return queue
}

func jobOptions(text json.RawMessage) (*bullmq.JobOptions, error) {
	var opts bullmq.JobOptions
	if len(text) == 0 {
		return &opts, nil
	}
	return &opts, json.Unmarshal(text, &opts)
}

func (e *goEngine) add(ctx context.Context, q bullmq.QueueRef, name string, data, opts json.RawMessage) (string, error) {
	o, err := jobOptions(opts)
	if err != nil {
		return "", err
	}
	job, err := e.queue(q).Add(ctx, name, data, o)
	if err != nil {
		return "", err
	}
	return job.ID, nil
}

func (e *goEngine) addBulk(ctx context.Context, q bullmq.QueueRef, jobs []bulkJob) ([]string, error) {
	bulk := make([]bullmq.BulkJob, len(jobs))
	for i, job := range jobs {
		opts, err := jobOptions(job.Opts)
		if err != nil {
			return nil, err
		}
		bulk[i] = bullmq.BulkJob{Name: job.Name, Data: job.Data, Opts: opts}
	}
	added, err := e.queue(q).AddBulk(ctx, bulk)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(added))
	for i, job := range added {
		ids[i] = job.ID
	}
	return ids, nil
}

func (e *goEngine) addFlow(ctx context.Context, prefix string, tree flowNode) (flowIDs, error) {
	flow, err := tree.job()
	if err != nil {
		return flowIDs{}, err
	}
	result, err := bullmq.NewFlowProducer(e.redis, &bullmq.FlowOptions{Prefix: prefix}).Add(ctx, flow)
	if err != nil {
		return flowIDs{}, err
	}
	return idsOf(result), nil
}

func (n flowNode) job() (bullmq.FlowJob, error) {
	opts, err := jobOptions(n.Opts)
	if err != nil {
		return bullmq.FlowJob{}, err
	}
	flow := bullmq.FlowJob{Name: n.Name, Queue: n.Queue, Data: n.Data, Opts: opts}
	for _, child := range n.Children {
		c, err := child.job()
		if err != nil {
			return bullmq.FlowJob{}, err
		}
		flow.Children = append(flow.Children, c)
	}
	return flow, nil
}

func idsOf(r *bullmq.FlowResult) flowIDs {
	ids := flowIDs{ID: r.Job.ID}
	for _, child := range r.Children {
		ids.Children = append(ids.Children, idsOf(child))
	}
	return ids
}

func (e *goEngine) upsertScheduler(ctx context.Context, q bullmq.QueueRef, id string, repeat json.RawMessage, tmpl schedulerTemplate) error {
	var r bullmq.RepeatOptions
	if err := json.Unmarshal(repeat, &r); err != nil {
		return err
	}
	opts, err := jobOptions(tmpl.Opts)
	if err != nil {
		return err
	}
	_, err = e.queue(q).UpsertJobScheduler(ctx, id, r, bullmq.JobTemplate{Name: tmpl.Name, Data: tmpl.Data, Opts: opts})
	return err
}

func (e *goEngine) schedulers(ctx context.Context, q bullmq.QueueRef) ([]schedulerView, error) {
	list, err := e.queue(q).JobSchedulers(ctx, 0, -1)
	if err != nil {
		return nil, err
	}
	views := make([]schedulerView, len(list))
	for i, s := range list {
		opts, err := json.Marshal(s.Opts)
		if err != nil {
			return nil, err
		}
		decoded, _ := decode(opts).(map[string]any)
		views[i] = schedulerView{
			Key: s.ID, Name: s.Name, Pattern: s.Repeat.Pattern, Every: s.Repeat.Every.Milliseconds(), TZ: s.Repeat.TZ,
			Limit: s.Repeat.Limit, StartDate: epochMS(s.Repeat.StartDate), EndDate: epochMS(s.Repeat.EndDate),
			Offset: s.Repeat.Offset.Milliseconds(), Next: epochMS(s.Next), IterationCount: s.IterationCount,
			Template: &templateView{Data: decode(s.Data), Opts: decoded},
		}
	}
	return views, nil
}

func (e *goEngine) removeScheduler(ctx context.Context, q bullmq.QueueRef, id string) error {
	return e.queue(q).RemoveJobScheduler(ctx, id)
}

func (e *goEngine) startWorker(t *testing.T, q bullmq.QueueRef, opts workerOptions) (stop func()) {
	t.Helper()
	options := goWorkerOptions(q.Prefix, opts)
	options.Hooks.Error = func(err error) { t.Log("worker error:", err) } // some tests provoke them
	worker, err := bullmq.NewWorker(e.redis, q.Name, process, options)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var run sync.WaitGroup
	run.Go(func() {
		if err := worker.Run(ctx); err != nil {
			t.Errorf("worker of %s: %v", q, err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); run.Wait() })
	t.Cleanup(stop)
	return stop
}

func goWorkerOptions(prefix string, opts workerOptions) *bullmq.WorkerOptions {
	return &bullmq.WorkerOptions{
		Prefix: prefix, Name: opts.Name, Concurrency: opts.Concurrency,
		LockDuration:    time.Duration(opts.LockDuration) * time.Millisecond,
		StalledInterval: time.Duration(opts.StalledInterval) * time.Millisecond,
		DrainDelay:      time.Duration(opts.DrainDelay) * time.Second,
		ShutdownTimeout: time.Second,
	}
}

func (e *goEngine) job(ctx context.Context, q bullmq.QueueRef, id string) (jobView, error) {
	job, err := e.queue(q).Job(ctx, id)
	if err != nil {
		return jobView{}, err
	}
	return viewOf(ctx, job)
}

func (e *goEngine) jobs(ctx context.Context, q bullmq.QueueRef, state bullmq.JobState) ([]jobView, error) {
	jobs, err := e.queue(q).Jobs(ctx, bullmq.JobsQuery{State: state, Start: 0, End: -1})
	if err != nil {
		return nil, err
	}
	views := make([]jobView, len(jobs))
	for i, job := range jobs {
		if views[i], err = viewOf(ctx, job); err != nil {
			return nil, err
		}
	}
	return views, nil
}

func viewOf(ctx context.Context, job *bullmq.Job) (jobView, error) {
	state, err := job.State(ctx)
	if err != nil {
		return jobView{}, err
	}
	logs, _, err := job.Logs(ctx, 0, -1)
	if err != nil {
		return jobView{}, err
	}
	opts, err := json.Marshal(job.Opts)
	if err != nil {
		return jobView{}, err
	}
	decoded, _ := decode(opts).(map[string]any)
	return jobView{
		ID: job.ID, Name: job.Name, State: string(state), Data: decode(job.Data), Opts: decoded,
		Timestamp: epochMS(job.Timestamp), Delay: job.Delay.Milliseconds(), Priority: job.Priority,
		Progress: decode(job.Progress), ReturnValue: decode(job.ReturnValue),
		FailedReason: job.FailedReason, Stacktrace: job.Stacktrace,
		AttemptsMade: job.AttemptsMade, AttemptsStarted: job.AttemptsStarted, StalledCounter: job.StalledCounter,
		ProcessedOn: epochMS(job.ProcessedOn), FinishedOn: epochMS(job.FinishedOn), ProcessedBy: job.ProcessedBy,
		ParentKey: job.ParentKey, RepeatJobKey: job.RepeatJobKey, Logs: logs,
	}, nil
}

func epochMS(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func (e *goEngine) counts(ctx context.Context, q bullmq.QueueRef) (map[string]int64, error) {
	counts, err := e.queue(q).Counts(ctx)
	named := make(map[string]int64, len(counts))
	for state, n := range counts {
		named[string(state)] = n
	}
	return named, err
}

func (e *goEngine) dependencies(ctx context.Context, q bullmq.QueueRef, id string) (dependenciesView, error) {
	job, err := e.queue(q).Job(ctx, id)
	if err != nil {
		return dependenciesView{}, err
	}
	deps, err := job.Dependencies(ctx)
	if err != nil {
		return dependenciesView{}, err
	}
	view := dependenciesView{Processed: map[string]any{}, Unprocessed: deps.Unprocessed, Ignored: deps.Ignored, Failed: deps.Failed}
	for key, value := range deps.Processed {
		view.Processed[key] = decode(value)
	}
	return view, nil
}

func (e *goEngine) pause(ctx context.Context, q bullmq.QueueRef) error { return e.queue(q).Pause(ctx) }

func (e *goEngine) resume(ctx context.Context, q bullmq.QueueRef) error {
	return e.queue(q).Resume(ctx)
}

func (e *goEngine) isPaused(ctx context.Context, q bullmq.QueueRef) (bool, error) {
	return e.queue(q).IsPaused(ctx)
}

func (e *goEngine) do(ctx context.Context, q bullmq.QueueRef, id, operation string, arg int) error {
	job, err := e.queue(q).Job(ctx, id)
	if err != nil {
		return err
	}
	switch operation {
	case "retry":
		return job.Retry(ctx, nil)
	case "promote":
		return job.Promote(ctx)
	case "remove":
		return job.Remove(ctx, nil)
	case "changeDelay":
		return job.ChangeDelay(ctx, time.Duration(arg)*time.Millisecond)
	case "changePriority":
		return job.ChangePriority(ctx, arg, false)
	default:
		return fmt.Errorf("no operation %s", operation)
	}
}

func (e *goEngine) follow(t *testing.T, q bullmq.QueueRef) (seen func() []eventView) {
	t.Helper()
	reader := bullmq.NewEventReader(e.redis, nil)
	reader.FollowFrom(q, "0-0")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var mu sync.Mutex
	var events []eventView
	var run sync.WaitGroup
	run.Go(func() {
		if err := reader.Run(ctx, func(ev bullmq.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, viewOfEvent(ev))
		}); err != nil {
			t.Errorf("events of %s: %v", q, err)
		}
	})
	t.Cleanup(func() { cancel(); run.Wait() })
	return func() []eventView {
		mu.Lock()
		defer mu.Unlock()
		return append([]eventView(nil), events...)
	}
}

// viewOfEvent decodes the fields that npm bullmq decodes.
func viewOfEvent(ev bullmq.Event) eventView {
	view := eventView{}
	for name, value := range ev.Fields {
		view[name] = value
	}
	switch ev.Type {
	case bullmq.EventProgress:
		view["data"] = decode([]byte(ev.Fields["data"]))
	case bullmq.EventCompleted:
		view["returnvalue"] = decode([]byte(ev.Fields["returnvalue"]))
	case bullmq.EventDelayed:
		if ms, err := strconv.ParseFloat(ev.Fields["delay"], 64); err == nil {
			view["delay"] = ms
		}
	}
	return view
}

func (e *goEngine) workers(ctx context.Context, q bullmq.QueueRef) ([]string, error) {
	conns, err := e.redis.Workers(ctx, q.Prefix)
	var names []string
	for _, c := range conns {
		if c.Queue == q.Name {
			names = append(names, c.Name)
		}
	}
	return names, err
}
