package interop

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// shift is who does what to a queue that is paused for a while.
type shift struct {
	pauses, adds, addsNext, resumes engine
	// waiting says that jobs wait when the pause begins: version 5 then moves them
	// to a list of their own, which it makes with the first job otherwise.
	waiting bool
}

func (s shift) String() string {
	queue := "an empty queue"
	if s.waiting {
		queue = "a queue with jobs"
	}
	return fmt.Sprintf("%s pauses %s, %s adds, %s adds, %s resumes",
		nameOf(s.pauses), queue, nameOf(s.adds), nameOf(s.addsNext), nameOf(s.resumes))
}

// shifts is every way to share a pause.
func shifts(goSide, v5 engine) []shift {
	var all []shift
	sides := []engine{v5, goSide}
	for _, pauses := range sides {
		for _, adds := range sides {
			for _, addsNext := range sides {
				for _, resumes := range sides {
					all = append(all,
						shift{pauses, adds, addsNext, resumes, false},
						shift{pauses, adds, addsNext, resumes, true})
				}
			}
		}
	}
	return all
}

// pausedAdds has each way into the lists of a paused queue.
var pausedAdds = []bulkJob{
	{"echo", raw(`{}`), nil},
	{"echo", raw(`{}`), raw(`{"lifo":true}`)},
	{"echo", raw(`{}`), raw(`{"priority":3}`)},
	{"echo", raw(`{}`), raw(`{"delay":1}`)},
}

func TestNoJobIsLostWhenVersion5SharesAPause(t *testing.T) {
	t.Parallel()
	goSide, v5 := newGoEngine(t), newVersion5(t)
	for _, s := range shifts(goSide, v5) {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			ctx, q := testContext(t), newQueue(t)
			requireVersion5Known(t, ctx, v5, q)
			var ids []string
			if s.waiting {
				ids = append(ids, addAll(t, s.adds, q, pausedAdds)...)
				ids = append(ids, addAll(t, s.addsNext, q, pausedAdds)...)
			}
			require.NoError(t, s.pauses.pause(ctx, q))
			ids = append(ids, addAll(t, s.adds, q, pausedAdds)...)
			ids = append(ids, addAll(t, s.addsNext, q, pausedAdds)...)
			bulk, err := s.adds.addBulk(ctx, q, pausedAdds)
			require.NoError(t, err)
			ids = append(ids, bulk...)
			startBoth(t, q, goSide, v5)
			awaitNothingDelayed(t, ctx, goSide, q)

			require.NoError(t, s.pauses.pause(ctx, q), "a pause of a paused queue")
			requireNoneRan(t, ctx, goSide, q, ids)
			require.NoError(t, s.resumes.resume(ctx, q))
			awaitCounts(t, ctx, goSide, q, map[string]int64{"completed": int64(len(ids))})
			requireRanOnce(t, ctx, goSide, q, ids)
		})
	}
}

// latecomer is a story of a queue that was paused before version 5 came to it. At
// its end version 5 resumes the queue, over which it would write its own list.
type latecomer struct {
	name  string
	steps []step
}

type step struct {
	by engine
	do string // "add", "pause", "open" a queue, or "init" its metadata
}

// latecomers are the stories in which the Go engine has a chance to bring all
// jobs to where version 5 looks for them.
func latecomers(goSide, node, v5 engine) []latecomer {
	return []latecomer{
		{"an addition of Go", []step{{goSide, "add"}, {goSide, "pause"}, {v5, "add"}, {goSide, "add"}}},
		{"an addition of Go before version 5's", []step{{goSide, "add"}, {goSide, "pause"}, {v5, "open"}, {goSide, "add"}, {v5, "add"}}},
		{"a second pause of Go", []step{{goSide, "add"}, {goSide, "pause"}, {v5, "add"}, {goSide, "pause"}}},
		{"metadata that Go writes", []step{{v5, "pause"}, {goSide, "init"}, {goSide, "add"}, {v5, "add"}}},
		{"an addition of version 6", []step{{v5, "add"}, {v5, "pause"}, {node, "add"}, {goSide, "add"}}},
	}
}

func TestNoJobIsLostWhenVersion5ComesToAPausedQueue(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	for _, story := range latecomers(goSide, node, newVersion5(t)) {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			ctx, q := testContext(t), newQueue(t)
			v5 := newVersion5(t)
			var ids []string
			for _, s := range story.steps {
				if id := s.take(t, ctx, q); id != "" {
					ids = append(ids, id)
				}
			}
			require.NoError(t, v5.resume(ctx, q))
			startBoth(t, q, goSide, v5)
			awaitCounts(t, ctx, goSide, q, map[string]int64{"completed": int64(len(ids))})
			requireRanOnce(t, ctx, goSide, q, ids)
		})
	}
}

// take does the step and returns the id of the job it has added, if any.
func (s step) take(t *testing.T, ctx context.Context, q bullmq.QueueRef) (id string) {
	t.Helper()
	var err error
	switch s.do {
	case "add":
		id, err = s.by.add(ctx, q, "echo", raw(`{}`), nil)
	case "pause":
		err = s.by.pause(ctx, q)
	case "open":
		_, err = s.by.isPaused(ctx, q)
		require.NoError(t, err)
		eventually(t, "the library has written its version", func() (bool, error) {
			meta, err := newGoEngine(t).queue(q).Meta(ctx)
			return strings.HasPrefix(meta.Version, "bullmq:"), err
		})
	case "init":
		err = newGoEngine(t).queue(q).Init(ctx)
	default:
		t.Fatalf("no step %s", s.do)
	}
	require.NoError(t, err)
	return id
}

// requireVersion5Known lets version 5 write its name into the queue's metadata,
// by which the Go engine knows whose rules a pause has.
func requireVersion5Known(t *testing.T, ctx context.Context, v5 engine, q bullmq.QueueRef) {
	t.Helper()
	paused, err := v5.isPaused(ctx, q)
	require.NoError(t, err)
	require.False(t, paused)
	eventually(t, "version 5 has opened the queue", func() (bool, error) {
		meta, err := newGoEngine(t).queue(q).Meta(ctx)
		return meta.Version != "", err
	})
}

// startBoth lets both engines work on the queue, as soon as they may.
func startBoth(t *testing.T, q bullmq.QueueRef, goSide, v5 engine) {
	t.Helper()
	options := workerOptions{Concurrency: 2, StalledInterval: 100}
	goSide.startWorker(t, q, options)
	v5.startWorker(t, q, options)
}

func awaitNothingDelayed(t *testing.T, ctx context.Context, e engine, q bullmq.QueueRef) {
	t.Helper()
	eventually(t, "the delayed jobs of the paused queue are due", func() (bool, error) {
		counts, err := e.counts(ctx, q)
		return counts["delayed"] == 0, err
	})
}

func requireNoneRan(t *testing.T, ctx context.Context, e engine, q bullmq.QueueRef, ids []string) {
	t.Helper()
	for _, id := range ids {
		job, err := e.job(ctx, q, id)
		require.NoError(t, err)
		require.Zero(t, job.AttemptsStarted, "job %s ran in a paused queue", id)
	}
}

func requireRanOnce(t *testing.T, ctx context.Context, e engine, q bullmq.QueueRef, ids []string) {
	t.Helper()
	for _, id := range ids {
		job, err := e.job(ctx, q, id)
		require.NoError(t, err)
		require.Equal(t, "completed", job.State, "job %s", id)
		require.Equal(t, 1, job.AttemptsStarted, "job %s", id)
	}
}

// Jobs come back to a paused queue on other ways than by being added.
func TestJobsThatComeBackToAQueueWhichVersion5PausedAreRun(t *testing.T) {
	t.Parallel()
	goSide, v5 := newGoEngine(t), newVersion5(t)
	for _, pauses := range []engine{v5, goSide} {
		for _, doer := range []engine{v5, goSide} {
			for _, resumes := range []engine{v5, goSide} {
				name := fmt.Sprintf("%s pauses, %s works, %s resumes", nameOf(pauses), nameOf(doer), nameOf(resumes))
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					bringBackWhilePaused(t, goSide, v5, shift{pauses: pauses, adds: doer, resumes: resumes})
				})
			}
		}
	}
}

func bringBackWhilePaused(t *testing.T, goSide, v5 engine, s shift) {
	t.Helper()
	ctx, q := testContext(t), newQueue(t)
	others := bullmq.QueueRef{Prefix: q.Prefix, Name: "children"}
	requireVersion5Known(t, ctx, v5, q)
	failed := failOnce(t, ctx, goSide, q, 3)
	delayed, err := s.adds.add(ctx, q, "echo", raw(`{}`), raw(`{"delay":3600000}`))
	require.NoError(t, err)
	stalled := stall(t, ctx, s.adds, q)
	flow, err := s.adds.addFlow(ctx, q.Prefix, flowNode{
		Name: "echo", Queue: q.Name, Data: raw(`{}`),
		Children: []flowNode{{Name: "echo", Queue: others.Name, Data: raw(`{}`)}},
	})
	require.NoError(t, err)

	require.NoError(t, s.pauses.pause(ctx, q))
	for _, id := range failed {
		require.NoError(t, s.adds.do(ctx, q, id, "retry", 0))
	}
	require.NoError(t, s.adds.do(ctx, q, delayed, "promote", 0))
	require.NoError(t, s.adds.upsertScheduler(ctx, q, "hourly", raw(`{"every":3600000}`), schedulerTemplate{Name: "echo"}))
	s.adds.startWorker(t, others, workerOptions{})
	s.adds.startWorker(t, q, workerOptions{StalledInterval: 100})
	eventually(t, "the stalled job and the parent wait", func() (bool, error) {
		counts, err := goSide.counts(ctx, q)
		return counts["active"]+counts["waiting-children"] == 0, err
	})

	require.NoError(t, s.resumes.resume(ctx, q))
	startBoth(t, q, goSide, v5)
	// The scheduler's next run stays.
	awaitCounts(t, ctx, goSide, q, map[string]int64{"completed": int64(len(failed)) + 4, "delayed": 1})
	requireRanOnce(t, ctx, goSide, q, []string{delayed, stalled, flow.ID})
}

// failOnce adds jobs that fail and would complete if they were retried.
func failOnce(t *testing.T, ctx context.Context, e engine, q bullmq.QueueRef, n int) (ids []string) {
	t.Helper()
	for range n {
		id, err := e.add(ctx, q, "flaky", raw(`{"failures":1}`), nil)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	stop := e.startWorker(t, q, workerOptions{StalledInterval: 100})
	awaitCounts(t, ctx, e, q, map[string]int64{"failed": int64(n)})
	stop()
	return ids
}

// stall adds a job and leaves it as a worker does that has died: active, without
// a lock, and noticed by one check.
func stall(t *testing.T, ctx context.Context, e engine, q bullmq.QueueRef) (id string) {
	t.Helper()
	id, err := e.add(ctx, q, "echo", raw(`{}`), nil)
	require.NoError(t, err)
	redis := redisOf(t)
	moved, err := redis.Do(ctx, redis.B().Rpoplpush().Source(q.JobKey("wait")).Destination(q.JobKey("active")).Build()).ToString()
	require.NoError(t, err)
	require.Equal(t, id, moved)
	require.NoError(t, redis.Do(ctx, redis.B().Sadd().Key(q.JobKey("stalled")).Member(id).Build()).Error())
	return id
}

// Schedules of the old kind, which version 5 calls repeatable jobs, have rules
// that no longer exist elsewhere: their jobs run, but only version 5 plans them.
func TestRepeatableJobsOfVersion5AreRunButNotPlanned(t *testing.T) {
	t.Parallel()
	goSide, v5 := newGoEngine(t), newVersion5(t)
	ctx, q := testContext(t), newQueue(t)
	id, err := v5.add(ctx, q, "echo", raw(`{"n":1}`), raw(`{"repeat":{"every":3600000,"immediately":true}}`))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(id, "repeat:"), id)
	before, err := dump(ctx, redisOf(t), q)
	require.NoError(t, err)
	reported := make(chan error, 10)
	options := goWorkerOptions(q.Prefix, workerOptions{})
	options.Hooks.Error = func(err error) { reported <- err }
	worker, err := bullmq.NewWorker(goSide.redis, q.Name, process, options)
	require.NoError(t, err)
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- worker.Run(run) }()
	job := awaitState(t, ctx, goSide, q, id, bullmq.StateCompleted)
	stop()
	require.NoError(t, <-done)
	require.Len(t, reported, 1)
	require.ErrorIs(t, <-reported, bullmq.ErrLegacyRepeatable)
	require.Equal(t, map[string]any{"echo": map[string]any{"n": 1.0}}, job.ReturnValue)
	awaitCounts(t, ctx, goSide, q, map[string]int64{"completed": 1})

	after, err := dump(ctx, redisOf(t), q)
	require.NoError(t, err)
	require.Equal(t, before["repeat"], after["repeat"])
	schedulers, err := goSide.schedulers(ctx, q)
	require.NoError(t, err)
	require.Empty(t, schedulers, "it is no job scheduler")
}
