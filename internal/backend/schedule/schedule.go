// Package schedule lists and previews the job schedulers of all queues.
package schedule

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// fanOut bounds how many queues are read at once.
const fanOut = 16

// Entry is a scheduler and the queue it makes jobs for.
type Entry struct {
	Queue     string
	Scheduler *bullmq.JobScheduler
}

// List returns the schedulers of the queues by their next run.
func List(ctx context.Context, backend bullmq.Backend, queues []bullmq.QueueRef) ([]Entry, error) {
	found := make([][]*bullmq.JobScheduler, len(queues))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fanOut)
	for i, q := range queues {
		g.Go(func() (err error) {
			found[i], err = backend.Schedulers(ctx, q, 0, -1)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var entries []Entry
	for i, schedulers := range found {
		for _, s := range schedulers {
			entries = append(entries, Entry{queues[i].Name, s})
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(a.Scheduler.Next.Compare(b.Scheduler.Next), cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Scheduler.ID, b.Scheduler.ID))
	})
	return entries, nil
}

// Preview returns the first count runs of a schedule that is made now, fewer if
// it ends before. What it refuses it refuses with a [*bullmq.ValidationError].
func Preview(repeat bullmq.RepeatOptions, count int, now time.Time) ([]time.Time, error) {
	if repeat.Limit > 0 {
		count = min(count, repeat.Limit)
	}
	next, err := clock(repeat, now)
	if err != nil {
		return nil, err
	}
	runs := make([]time.Time, 0, count)
	for at := next(); len(runs) < count && !at.IsZero(); at = next() {
		if !repeat.EndDate.IsZero() && at.After(repeat.EndDate) {
			break
		}
		runs = append(runs, at)
	}
	return runs, nil
}

// clock returns a function that gives one run after the other, zero after the last.
func clock(repeat bullmq.RepeatOptions, now time.Time) (func() time.Time, error) {
	from := now
	if repeat.StartDate.After(now) {
		from = repeat.StartDate
	}
	switch {
	case repeat.Pattern != "" && repeat.Every != 0:
		return nil, &bullmq.ValidationError{Field: "pattern", Message: "A schedule has either a cron pattern or an interval, not both."}
	case repeat.Pattern != "":
		cron, err := bullmq.ParseCron(repeat.Pattern, repeat.TZ)
		if err != nil {
			return nil, err
		}
		return func() time.Time {
			from = cron.Next(from)
			return from
		}, nil
	case repeat.Every > 0:
		// A new interval runs at once, or when it starts.
		from = from.Add(-repeat.Every)
		return func() time.Time {
			from = from.Add(repeat.Every)
			return from
		}, nil
	default:
		return nil, &bullmq.ValidationError{Field: "pattern", Message: "A schedule needs a cron pattern or an interval."}
	}
}

// ErrExists says that the queue has a scheduler of this id already.
var ErrExists = errors.New("schedule exists already")

// Create makes a scheduler, or returns [ErrExists] if the queue has one of this id.
func Create(ctx context.Context, q *bullmq.Queue, id string, repeat bullmq.RepeatOptions, tmpl bullmq.JobTemplate) error {
	_, err := q.JobScheduler(ctx, id)
	if err == nil {
		return ErrExists
	}
	if !errors.Is(err, bullmq.ErrSchedulerNotFound) {
		return err
	}
	_, err = q.UpsertJobScheduler(ctx, id, repeat, tmpl)
	return err
}
