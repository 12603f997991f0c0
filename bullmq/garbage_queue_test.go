package bullmq_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// damagedQueues make a key of the queue itself something else. While it is, a
// worker cannot do its work; once it is gone, nothing may be missing.
var damagedQueues = map[string][]string{
	"active as text":                {"{q}active", "SET", "{q}active", "x"},
	"completed as list":             {"{q}completed", "RPUSH", "{q}completed", "x"},
	"completed as text":             {"{q}completed", "SET", "{q}completed", "x"},
	"length of events as text":      {"{q}meta", "HSET", "{q}meta", "opts.maxLenEvents", "x"},
	"length of events below zero":   {"{q}meta", "HSET", "{q}meta", "opts.maxLenEvents", "-5"},
	"prioritized as text":           {"{q}prioritized", "SET", "{q}prioritized", "x"},
	"events as list":                {"{q}events", "RPUSH", "{q}events", "x"},
	"limiter as text":               {"{q}limiter", "SET", "{q}limiter", "x"},
	"limiter as list":               {"{q}limiter", "RPUSH", "{q}limiter", "x"},
	"limiter is no number":          {"{q}limiter", "SET", "{q}limiter", "nan"},
	"metrics as text":               {"{q}metrics:completed", "SET", "{q}metrics:completed", "x"},
	"metrics of text":               {"{q}metrics:completed", "HSET", "{q}metrics:completed", "count", "x", "prevTS", "y", "prevCount", "z"},
	"points of metrics as text":     {"{q}metrics:completed:data", "SET", "{q}metrics:completed:data", "x"},
	"failed as hash":                {"{q}failed", "HSET", "{q}failed", "a", "b"},
	"delayed as list":               {"{q}delayed", "RPUSH", "{q}delayed", "x"},
	"counter of priorities as text": {"{q}pc", "SET", "{q}pc", "x"},
	"marker as text":                {"{q}marker", "SET", "{q}marker", "x"},
	"stalled as list":               {"{q}stalled", "RPUSH", "{q}stalled", "x"},
	"stalled check as list":         {"{q}stalled-check", "RPUSH", "{q}stalled-check", "x"},
	"metadata as text":              {"{q}meta", "SET", "{q}meta", "x"},
	"limits of text":                {"{q}meta", "HSET", "{q}meta", "concurrency", "x", "max", "y", "duration", "z", "opts.maxLenEvents", "10000"},
	"limits below zero":             {"{q}meta", "HSET", "{q}meta", "concurrency", "-1", "max", "-1", "duration", "-1"},
	"limits that are no number":     {"{q}meta", "HSET", "{q}meta", "concurrency", "nan", "max", "nan", "duration", "nan"},
	"a delayed job for ever":        {"{q}delayed", "ZADD", "{q}delayed", "inf", "never"},
	"a delayed job beyond time":     {"{q}delayed", "ZADD", "{q}delayed", "1e300", "never"},
	"an odd marker":                 {"{q}marker", "ZADD", "{q}marker", "inf", "1", "-inf", "2", "5e15", ""},
}

// mayReportOfQueue bounds what a worker reports within half a second about a queue
// that it cannot use: it tries less and less often.
const mayReportOfQueue = 80

func TestAWorkerOutlivesADamagedQueue(t *testing.T) {
	t.Parallel()
	for name, words := range damagedQueues {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.addGood(t)
			b.addGood(t)
			key := words[0]
			if !strings.HasSuffix(key, "meta") || words[1] != "HSET" {
				b.do(t, "DEL", key)
			}
			b.do(t, append([]string(nil), words[1:]...)...)
			told, done := b.workAmidGarbage(t, bullmq.WorkerOptions{
				MetricsPoints: 100, Limiter: &bullmq.RateLimit{Max: 1000, Duration: time.Second},
				StalledInterval: 100 * time.Millisecond, LockDuration: time.Second, MaxStalledCount: 100,
			})
			within(500*time.Millisecond, func() bool { return done.count() == 2*good })
			require.LessOrEqual(t, len(told.all()), mayReportOfQueue)

			b.do(t, "DEL", key)
			eventually(t, "the good jobs have completed", func() bool {
				return b.counts(t)[bullmq.StateCompleted] >= 2*good
			})
			counts := b.counts(t)
			require.Zero(t, counts[bullmq.StateActive]+counts[bullmq.StateWaiting])
		})
	}
}

// within waits until a condition holds, but not for long.
func within(d time.Duration, condition func() bool) {
	for deadline := time.Now().Add(d); !condition() && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
}

// oddIDs are texts that nothing keeps from being the id of a job.
var oddIDs = map[string]string{
	"spaces":                "two words and  more ",
	"newlines":              "a\r\nb\n",
	"quotes":                `a"b'c\d` + "`",
	"a zero byte":           "a\x00b",
	"no UTF-8":              "a\xff\xfe",
	"other scripts":         "задача-仕事-😀",
	"pattern signs":         "*?[a-z]{q}",
	"Lua's signs":           "%d%s%%",
	"64 KiB":                strings.Repeat("x", 64<<10),
	"two colons":            "a:b:c",
	"a number with a point": "1.5",
	"a number with a sign":  "-5e3",
	"a path":                "../../etc/passwd",
	"JSON":                  `{"a"}`,
}

func TestAnyTextCanBeAnID(t *testing.T) {
	t.Parallel()
	for name, id := range oddIDs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.addGood(t)
			_, err := b.queue.Add(b.ctx, "odd", nil, &bullmq.JobOptions{ID: id, Attempts: 2})
			require.NoError(t, err)
			b.addGood(t)
			told, done := &complaints{}, &finished{ids: map[string]bool{}}
			b.work(t, "q", bullmq.WorkerOptions{
				Concurrency: 5, Hooks: bullmq.WorkerHooks{Error: told.add, Completed: done.add},
			}, func(ctx context.Context, job *bullmq.Job) (any, error) {
				if job.Name == "good" {
					return nil, nil
				}
				if err := job.Log(ctx, "line"); err != nil {
					return nil, err
				}
				if job.AttemptsMade == 0 {
					return nil, context.Canceled
				}
				return job.ID, nil
			})
			b.waitCount(t, bullmq.StateCompleted, 2*good+1)
			require.Empty(t, told.all())
			job, err := b.queue.Job(b.ctx, id)
			require.NoError(t, err)
			require.Equal(t, id, job.ID)
			require.Equal(t, 2, job.AttemptsMade)
			state, err := job.State(b.ctx)
			require.NoError(t, err)
			require.Equal(t, bullmq.StateCompleted, state)
			require.NoError(t, b.queue.Remove(b.ctx, id, nil))
		})
	}
}

var waitingKeys = []string{"", "id", "wait", "active", "events", "marker", "completed", "metrics:completed", "meta", "repeat:tick"}

// Ids that are the names of the queue's own keys are no jobs, wherever they stand.
func TestAQueueKeyThatWaitsAsAJobIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, id := range waitingKeys {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.addGood(t)
			_, err := b.queue.UpsertJobScheduler(b.ctx, "tick", bullmq.RepeatOptions{Every: time.Hour, StartDate: time.Now().Add(time.Hour)}, bullmq.JobTemplate{Name: "tick"})
			require.NoError(t, err)
			meta, err := b.queue.Meta(b.ctx)
			require.NoError(t, err)
			b.do(t, "LPUSH", "{q}wait", id)
			b.addGood(t)
			told, done := b.workAmidGarbage(t, bullmq.WorkerOptions{RemoveOnComplete: bullmq.KeepNone(), RemoveOnFail: bullmq.KeepNone()})
			eventually(t, "the good jobs have completed", func() bool { return done.count() == 2*good })
			eventually(t, "the odd id is out of the way", func() bool {
				counts := b.counts(t)
				return counts[bullmq.StateWaiting]+counts[bullmq.StateActive] == 0
			})
			require.LessOrEqual(t, len(told.all()), mayReport, "%v", told.all())
			after, err := b.queue.Meta(b.ctx)
			require.NoError(t, err)
			require.Equal(t, meta, after)
			_, err = b.queue.JobScheduler(b.ctx, "tick")
			require.NoError(t, err)
		})
	}
}
