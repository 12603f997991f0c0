package bullmq

import (
	"cmp"
	"context"
	"iter"
	"time"
)

// JobsQuery selects a range of the jobs in one state.
type JobsQuery struct {
	State JobState
	// Start and End are the first and last index. A negative End counts from the
	// end of the list, so that -1 is the last job.
	Start, End int64
	// Reverse turns the order of the state around. By default the jobs that run
	// next come first, and of finished jobs the newest.
	Reverse bool
}

// Jobs returns a range of the jobs in one state. Ids that have lost their job are
// left out, and as many further jobs put in their place, as far as there are some
// within reach.
func (q *Queue) Jobs(ctx context.Context, query JobsQuery) ([]*Job, error) {
	const rounds = 5
	var jobs []*Job
	for round := 0; ; round++ {
		found, ids, err := q.readRange(ctx, query)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, found...)
		missing := int64(ids - len(found))
		if missing == 0 || query.End < 0 || round == rounds {
			return jobs, nil
		}
		query.Start, query.End = query.End+1, query.End+missing
	}
}

// readRange returns the jobs of a range, and how many ids it has.
func (q *Queue) readRange(ctx context.Context, query JobsQuery) ([]*Job, int, error) {
	desc := query.State == StateCompleted || query.State == StateFailed
	ids, err := q.backend.JobIDs(ctx, q.ref, query.State, query.Start, query.End, desc != query.Reverse)
	if err != nil {
		return nil, 0, err
	}
	jobs, err := q.backend.Jobs(ctx, q.ref, ids)
	return jobs, len(ids), err
}

// All iterates over the jobs in one state, a page at a time, in the order of
// [Queue.Jobs]. Jobs that change their state meanwhile may be missed or come
// twice. It ends with the first error.
func (q *Queue) All(ctx context.Context, state JobState) iter.Seq2[*Job, error] {
	const page = 200
	return func(yield func(*Job, error) bool) {
		for start := int64(0); ; start += page {
			jobs, ids, err := q.readRange(ctx, JobsQuery{State: state, Start: start, End: start + page - 1})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, job := range jobs {
				if !yield(job, nil) {
					return
				}
			}
			if ids < page {
				return
			}
		}
	}
}

// Counts returns the number of jobs in each state.
func (q *Queue) Counts(ctx context.Context) (JobCounts, error) {
	counts, err := q.backend.Counts(ctx, []QueueRef{q.ref})
	if err != nil {
		return nil, err
	}
	return counts[0], nil
}

// CountsPerPriority returns the number of waiting jobs of each of the priorities;
// 0 stands for jobs without one.
func (q *Queue) CountsPerPriority(ctx context.Context, priorities []int) (map[int]int64, error) {
	counts, err := q.backend.CountsPerPriority(ctx, q.ref, priorities)
	if err != nil {
		return nil, err
	}
	byPriority := make(map[int]int64, len(priorities))
	for i, p := range priorities {
		byPriority[p] = counts[i]
	}
	return byPriority, nil
}

// DelayedCount returns how many delayed jobs are due before a time.
func (q *Queue) DelayedCount(ctx context.Context, before time.Time) (int64, error) {
	return q.backend.DelayedCount(ctx, q.ref, before)
}

// Metrics are counts of finished jobs, minute by minute. Workers keep them that
// have [WorkerOptions.MetricsPoints].
type Metrics struct {
	// Count is how many jobs have finished in all, PrevCount how many until PrevTime,
	// when the newest point was taken.
	Count, PrevCount int64
	PrevTime         time.Time
	// Points are the jobs of each minute, the newest first.
	Points []int64
	// Total is how many points there are.
	Total int64
}

// Metrics returns the points start to end of the completed or failed jobs. A
// negative end counts from the oldest point, so that 0, -1 are all of them.
func (q *Queue) Metrics(ctx context.Context, state JobState, start, end int64) (*Metrics, error) {
	return q.backend.Metrics(ctx, q.ref, state, start, end)
}

// Workers returns the workers that are connected to the queue, Node and Go.
func (q *Queue) Workers(ctx context.Context) ([]WorkerConn, error) {
	all, err := q.backend.Workers(ctx, q.ref.Prefix)
	var own []WorkerConn
	for _, w := range all {
		if w.Queue == q.ref.Name {
			own = append(own, w)
		}
	}
	return own, err
}

// Queues lists the names of the queues that a prefix holds. An empty prefix
// stands for [DefaultPrefix].
func Queues(ctx context.Context, b Backend, prefix string) ([]string, error) {
	return b.Queues(ctx, cmp.Or(prefix, DefaultPrefix))
}

// DeduplicationJobID returns the id of the job that has a deduplication id, empty
// if none has.
func (q *Queue) DeduplicationJobID(ctx context.Context, deduplicationID string) (string, error) {
	return q.backend.DeduplicationJobID(ctx, q.ref, deduplicationID)
}

// RemoveDeduplicationKey lets the next job of a deduplication id be added. It
// returns whether a job had the id.
func (q *Queue) RemoveDeduplicationKey(ctx context.Context, deduplicationID string) (bool, error) {
	return q.backend.RemoveDeduplicationKey(ctx, q.ref, deduplicationID, "")
}

// TrimEvents cuts the queue's event stream to about the newest max entries and
// returns how many went.
func (q *Queue) TrimEvents(ctx context.Context, maxEvents int64) (int64, error) {
	return q.backend.TrimEvents(ctx, q.ref, maxEvents)
}

// PublishEvent announces an event of the caller's own to who follows the queue,
// Node's QueueEvents included, and returns its id.
func (q *Queue) PublishEvent(ctx context.Context, name string, fields map[string]string) (string, error) {
	if _, ok := fields["event"]; ok || name == "" {
		return "", invalid("event", "an event needs a name, and no field called event")
	}
	return q.backend.PublishEvent(ctx, q.ref, name, fields, q.opts.MaxEvents)
}
