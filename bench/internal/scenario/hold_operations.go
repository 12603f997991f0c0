package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func (h *holder) list(name string, state bullmq.JobState, start int64) operation {
	return operation{name, func(ctx context.Context) error {
		_, err := h.queue.Jobs(ctx, bullmq.JobsQuery{State: state, Start: start, End: start + 99})
		return err
	}}
}

func (h *holder) clean(name string, state bullmq.JobState) operation {
	return operation{name, func(ctx context.Context) error {
		_, err := h.queue.Clean(ctx, bullmq.CleanOptions{State: state})
		return err
	}}
}

func state(ctx context.Context, j *bullmq.Job) error {
	_, err := j.State(ctx)
	return err
}

func remove(ctx context.Context, j *bullmq.Job) error { return j.Remove(ctx, nil) }

// waiting does what is done to a queue of waiting jobs, but for what ends them all.
func (h *holder) waiting(ctx context.Context) error {
	if err := h.fill(ctx, nil); err != nil {
		return err
	}
	q, middle := h.queue, int64(h.hold.Jobs/2)
	return h.doAll(ctx, []operation{
		{"add", func(ctx context.Context) error {
			_, err := q.Add(ctx, "noop", nil, nil)
			return err
		}},
		{"add LIFO", func(ctx context.Context) error {
			_, err := q.Add(ctx, "noop", nil, &bullmq.JobOptions{LIFO: true})
			return err
		}},
		{"add with deduplication", func(ctx context.Context) error {
			_, err := q.Add(ctx, "noop", nil, &bullmq.JobOptions{Deduplication: &bullmq.Deduplication{ID: "d"}})
			return err
		}},
		{"add in bulk", func(ctx context.Context) error { return h.addBulk(ctx, nil) }},
		{"add in bulk, delayed", func(ctx context.Context) error { return h.addBulk(ctx, &bullmq.JobOptions{Delay: time.Hour}) }},
		{"add in bulk, prioritized", func(ctx context.Context) error { return h.addBulk(ctx, &bullmq.JobOptions{Priority: 7}) }},
		{"counts", func(ctx context.Context) error {
			_, err := q.Counts(ctx)
			return err
		}},
		h.list("list the first waiting", bullmq.StateWaiting, 0),
		h.list("list waiting in the middle", bullmq.StateWaiting, middle),
		{"iterate over waiting", func(ctx context.Context) error {
			for _, err := range q.All(ctx, bullmq.StateWaiting) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
		h.on("state of a waiting job", state),
		h.on("update data", func(ctx context.Context, j *bullmq.Job) error { return j.UpdateData(ctx, 1) }),
		h.on("log", func(ctx context.Context, j *bullmq.Job) error { return j.Log(ctx, "line") }),
		h.on("change the priority of a waiting job", func(ctx context.Context, j *bullmq.Job) error { return j.ChangePriority(ctx, 3, false) }),
		h.on("change the priority back to none", func(ctx context.Context, j *bullmq.Job) error { return j.ChangePriority(ctx, 0, false) }),
		h.on("remove a waiting job", remove),
		{"pause", q.Pause},
		{"resume", q.Resume},
		{"work", func(ctx context.Context) error { return h.work(ctx, &bullmq.WorkerOptions{}) }},
		{"work with a rate limit and metrics", func(ctx context.Context) error {
			return h.work(ctx, &bullmq.WorkerOptions{Limiter: &bullmq.RateLimit{Max: 1_000_000, Duration: time.Second}, MetricsPoints: 100})
		}},
		{"remove orphaned jobs", func(ctx context.Context) error {
			_, err := q.RemoveOrphanedJobs(ctx)
			return err
		}},
		{"trim events", func(ctx context.Context) error {
			_, err := q.TrimEvents(ctx, 0)
			return err
		}},
	})
}

// shift moves all waiting jobs to where finished ones are.
func (h *holder) shift(ctx context.Context, state bullmq.JobState) error {
	const script = `
local ids, members = redis.call('RPOP', KEYS[1], 2000) or {}, {}
for _, id in ipairs(ids) do
  members[#members + 1] = ARGV[1]
  members[#members + 1] = id
  redis.call('HSET', KEYS[3] .. id, 'finishedOn', ARGV[1], 'atm', '1', 'failedReason', 'x')
end
if #ids > 0 then redis.call('ZADD', KEYS[2], unpack(members)) end
return #ids`
	p := "bull:" + h.queue.Name() + ":"
	c := h.redis.Client
	for {
		n, err := c.Do(ctx, c.B().Eval().Script(script).Numkeys(3).Key(p+"wait", p+string(state), p).
			Arg(fmt.Sprint(time.Now().Add(-time.Minute).UnixMilli())).Build()).AsInt64()
		if err != nil || n == 0 {
			return err
		}
	}
}

func (h *holder) retryAll(name string, state bullmq.JobState) operation {
	return operation{name, func(ctx context.Context) error {
		_, err := h.queue.RetryJobs(ctx, bullmq.RetryJobsOptions{State: state})
		return err
	}}
}

// finished does what is done to failed and completed jobs.
func (h *holder) finished(ctx context.Context) error {
	if err := h.fill(ctx, nil); err != nil {
		return err
	}
	if err := h.shift(ctx, bullmq.StateFailed); err != nil {
		return err
	}
	middle := int64(h.hold.Jobs / 2)
	if err := h.doAll(ctx, []operation{
		h.list("list failed in the middle", bullmq.StateFailed, middle),
		h.on("state of a failed job", state),
		h.on("retry a failed job", func(ctx context.Context, j *bullmq.Job) error { return j.Retry(ctx, nil) }),
		h.retryAll("retry all failed", bullmq.StateFailed),
	}); err != nil {
		return err
	}
	if err := h.shift(ctx, bullmq.StateCompleted); err != nil {
		return err
	}
	if err := h.do(ctx, "retry all completed", h.retryAll("", bullmq.StateCompleted).run); err != nil {
		return err
	}
	if err := h.shift(ctx, bullmq.StateCompleted); err != nil {
		return err
	}
	for range 5 {
		if err := h.addBulk(ctx, nil); err != nil {
			return err
		}
	}
	return h.doAll(ctx, []operation{
		h.list("list completed in the middle", bullmq.StateCompleted, middle),
		h.on("remove a completed job", remove),
		{"work, keeping the last 1,000 of many completed", func(ctx context.Context) error {
			return h.work(ctx, &bullmq.WorkerOptions{RemoveOnComplete: bullmq.KeepLast(1000)})
		}},
		h.clean("clean completed", bullmq.StateCompleted),
	})
}

// delayed does what is done to delayed jobs.
func (h *holder) delayed(ctx context.Context) error {
	later := &bullmq.JobOptions{Delay: time.Hour}
	if err := h.fill(ctx, later); err != nil {
		return err
	}
	q := h.queue
	if err := h.doAll(ctx, []operation{
		h.list("list delayed in the middle", bullmq.StateDelayed, int64(h.hold.Jobs/2)),
		{"count delayed", func(ctx context.Context) error {
			_, err := q.DelayedCount(ctx, time.Now().Add(time.Hour))
			return err
		}},
		h.on("change a delay", func(ctx context.Context, j *bullmq.Job) error { return j.ChangeDelay(ctx, time.Minute) }),
		h.on("promote a job", func(ctx context.Context, j *bullmq.Job) error { return j.Promote(ctx) }),
		{"promote all", func(ctx context.Context) error {
			_, err := q.PromoteJobs(ctx)
			return err
		}},
		{"obliterate", func(ctx context.Context) error { return q.Obliterate(ctx, false) }},
	}); err != nil {
		return err
	}
	if err := h.fill(ctx, &bullmq.JobOptions{Delay: time.Millisecond}); err != nil {
		return err
	}
	return h.doAll(ctx, []operation{
		{"work on jobs that are all due", func(ctx context.Context) error { return h.work(ctx, &bullmq.WorkerOptions{}) }},
		{"drain delayed", func(ctx context.Context) error { return q.Drain(ctx, true) }},
	})
}

// prioritized does what is done to prioritized jobs.
func (h *holder) prioritized(ctx context.Context) error {
	urgent := &bullmq.JobOptions{Priority: 5}
	if err := h.fill(ctx, urgent); err != nil {
		return err
	}
	q := h.queue
	return h.doAll(ctx, []operation{
		{"counts per priority", func(ctx context.Context) error {
			_, err := q.CountsPerPriority(ctx, []int{0, 1, 5, 100})
			return err
		}},
		h.on("change a priority", func(ctx context.Context, j *bullmq.Job) error { return j.ChangePriority(ctx, 1, false) }),
		h.on("remove a prioritized job", remove),
		{"pause prioritized", q.Pause},
		{"resume prioritized", q.Resume},
		{"work on prioritized", func(ctx context.Context) error { return h.work(ctx, &bullmq.WorkerOptions{}) }},
		{"drain prioritized", func(ctx context.Context) error { return q.Drain(ctx, false) }},
	})
}

// active does what is done to running jobs whose workers are gone. There are
// 10,000: nobody runs a million at once.
func (h *holder) active(ctx context.Context) error {
	ref, backend := h.queue.Ref(), h.backend
	recoverStalled := func(ctx context.Context) error {
		_, err := backend.RecoverStalled(ctx, ref, 1, time.Millisecond)
		return err
	}
	var locks []bullmq.JobLock
	for i := range 1000 {
		locks = append(locks, bullmq.JobLock{ID: fmt.Sprint(i + 1), Token: "t"})
	}
	if err := h.fillActive(ctx); err != nil {
		return err
	}
	if err := h.doAll(ctx, []operation{
		{"extend 1,000 locks of 10,000", func(ctx context.Context) error {
			_, err := backend.ExtendLocks(ctx, ref, locks, time.Minute)
			return err
		}},
		{"look for stalled among 10,000 jobs", recoverStalled},
		{"take back 10,000 stalled jobs", func(ctx context.Context) error {
			if err := pause(ctx, 5*time.Millisecond); err != nil {
				return err
			}
			return recoverStalled(ctx)
		}},
	}); err != nil {
		return err
	}
	if err := h.fillActive(ctx); err != nil {
		return err
	}
	return h.doAll(ctx, []operation{h.clean("clean 10,000 active", bullmq.StateActive)})
}

func (h *holder) fillActive(ctx context.Context) error {
	if err := h.fillWith(ctx, 10_000, nil); err != nil {
		return err
	}
	c, p := h.redis.Client, "bull:"+h.queue.Name()+":"
	return c.Do(ctx, c.B().Rename().Key(p+"wait").Newkey(p+"active").Build()).Error()
}

// family does what is done to a parent of very many children.
func (h *holder) family(ctx context.Context) error {
	if err := h.redis.Flush(ctx); err != nil {
		return err
	}
	const many = 5000
	family := func(children int) bullmq.FlowJob {
		flow := bullmq.FlowJob{Name: "parent", Queue: h.queue.Name()}
		for range children {
			flow.Children = append(flow.Children, bullmq.FlowJob{Name: "child", Queue: h.queue.Name()})
		}
		return flow
	}
	var parent *bullmq.Job
	add := func(children int) func(context.Context) error {
		return func(ctx context.Context) error {
			added, err := h.flows.Add(ctx, family(children))
			if err == nil {
				parent = added.Job
			}
			return err
		}
	}
	return h.doAll(ctx, []operation{
		{"add a flow of 100 children", add(100)},
		{"add a flow of 1,000 children", add(1000)},
		{"add a flow of 5,000 children", add(many)},
		{"read a flow of 5,000 children", func(ctx context.Context) error {
			_, err := h.flows.Flow(ctx, bullmq.FlowQuery{Queue: h.queue.Name(), ID: parent.ID, MaxChildren: many})
			return err
		}},
		{"dependencies of 5,000 children", func(ctx context.Context) error {
			_, err := parent.Dependencies(ctx)
			return err
		}},
		{"dependency counts", func(ctx context.Context) error {
			_, err := parent.DependencyCounts(ctx)
			return err
		}},
		{"remove 5,000 unprocessed children", func(ctx context.Context) error { return parent.RemoveUnprocessedChildren(ctx) }},
		{"add a flow of 5,000 children, again", add(many)},
		{"remove a parent of 5,000 children", func(ctx context.Context) error { return parent.Remove(ctx, nil) }},
	})
}

// removal does what ends all jobs of a state that no other part has ended.
func (h *holder) removal(ctx context.Context) error {
	q := h.queue
	for _, part := range []struct {
		opts *bullmq.JobOptions
		operation
	}{
		{nil, operation{"drain waiting", func(ctx context.Context) error { return q.Drain(ctx, false) }}},
		{nil, h.clean("clean waiting", bullmq.StateWaiting)},
		{&bullmq.JobOptions{Delay: time.Hour}, h.clean("clean delayed", bullmq.StateDelayed)},
		{&bullmq.JobOptions{Priority: 5}, h.clean("clean prioritized", bullmq.StatePrioritized)},
	} {
		if err := h.fill(ctx, part.opts); err != nil {
			return err
		}
		if err := h.do(ctx, part.name, part.run); err != nil {
			return err
		}
	}
	return nil
}
