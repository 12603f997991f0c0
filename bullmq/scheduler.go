package bullmq

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// JobTemplate is what a scheduler's jobs are made from.
type JobTemplate struct {
	// Name defaults to the scheduler's id.
	Name string
	Data any
	// Opts must not have an ID, Delay or Repeat: the scheduler sets them.
	Opts *JobOptions
}

// JobScheduler is a stored scheduler.
type JobScheduler struct {
	// ID is unique in the queue.
	ID string
	// Name is the name of the scheduler's jobs.
	Name string
	// Repeat is its clock.
	Repeat RepeatOptions
	// Next is when the next job runs.
	Next time.Time
	// IterationCount is how many jobs the scheduler has made.
	IterationCount int
	// Data and Opts are the template of its jobs.
	Data json.RawMessage
	Opts JobOptions
}

// SchedulerUpsert stores a scheduler and adds its next job.
type SchedulerUpsert struct {
	ID     string
	Name   string
	Repeat RepeatOptions
	// Next is the next run of a Pattern; the store computes that of Every.
	Next time.Time
	Now  time.Time
	Data []byte
	// TemplateOpts are stored with the scheduler, JobOpts with the job it adds.
	TemplateOpts []byte
	JobOpts      JobOptions
}

// SchedulerIteration adds the job that follows one which a worker has taken.
type SchedulerIteration struct {
	ID string
	// ProducerID is the job that was taken; a scheduler that has moved on since ignores it.
	ProducerID string
	Next       time.Time
	Now        time.Time
	JobOpts    JobOptions
}

// RepeatStrategy plans the runs of a job scheduler with a pattern: it returns the
// first one after a time, the zero time if there is none.
type RepeatStrategy func(after time.Time, repeat RepeatOptions, name string) (time.Time, error)

// UpsertJobScheduler creates the scheduler of this id or replaces it, and adds
// its next job, which it returns. Each of its jobs adds the one after it when a
// worker, Node or Go, begins to run it.
func (q *Queue) UpsertJobScheduler(ctx context.Context, id string, repeat RepeatOptions, tmpl JobTemplate) (*Job, error) {
	now := q.opts.Now()
	if err := validateScheduler(id, repeat, now); err != nil {
		return nil, err
	}
	if tmpl.Name == "" {
		tmpl.Name = id
	}
	if tmpl.Opts != nil && (tmpl.Opts.ID != "" || tmpl.Opts.Delay != 0 || tmpl.Opts.Repeat != nil) {
		return nil, invalid("template.opts", "jobId, delay and repeat of a scheduler's jobs are set by the scheduler")
	}
	up := SchedulerUpsert{ID: id, Name: tmpl.Name, Repeat: repeat, Now: now}
	up.JobOpts = tmpl.Opts.withDefaults(q.opts.DefaultJobOptions)
	up.JobOpts.ID, up.JobOpts.Delay = "", 0
	var err error
	if up.Data, err = encodeData(tmpl.Data); err != nil {
		return nil, invalid("template.data", "data of job %s is not JSON: %v", tmpl.Name, err)
	}
	if err := up.JobOpts.validate(tmpl.Name, up.Data); err != nil {
		return nil, prefixField(err, "template.opts.")
	}
	if up.TemplateOpts, err = up.JobOpts.encode(storedForm); err != nil {
		return nil, invalid("template.opts", "%v", err)
	}
	if repeat.Pattern != "" {
		up.Next = now
		if !repeat.Immediately {
			if up.Next, err = q.opts.RepeatStrategy.next(repeat, tmpl.Name, now); err != nil {
				return nil, err
			}
			if up.Next.IsZero() {
				return nil, invalid("pattern", "the pattern %q has no run before the schedule's end", repeat.Pattern)
			}
		}
	}
	stored := repeat
	stored.Immediately = false
	stored.Count = 1
	up.JobOpts.Repeat = &stored
	jobID, err := q.backend.UpsertScheduler(ctx, q.ref, up)
	if err != nil {
		return nil, fmt.Errorf("upsert job scheduler %s: %w", id, err)
	}
	return q.backend.Job(ctx, q.ref, jobID)
}

func validateScheduler(id string, r RepeatOptions, now time.Time) error {
	switch {
	case id == "":
		return invalid("id", "Job scheduler id must be provided")
	case strings.Contains(id, ":"):
		return invalid("id", "Job scheduler id cannot contain :")
	case r.Pattern != "" && r.Every != 0:
		return invalid("pattern", "Both .pattern and .every options are defined for this repeatable job")
	case r.Pattern == "" && r.Every == 0:
		return invalid("pattern", "Either .pattern or .every options must be defined for this repeatable job")
	case r.Every < 0 || r.Every > 0 && r.Every < time.Millisecond:
		return invalid("every", "every must be at least one millisecond")
	case r.Immediately && !r.StartDate.IsZero():
		return invalid("startDate", "Both .immediately and .startDate options are defined for this repeatable job")
	case !r.EndDate.IsZero() && r.EndDate.Before(now):
		return invalid("endDate", "End date must be greater than current timestamp")
	case r.Limit < 0:
		return invalid("limit", "limit must not be negative")
	}
	return nil
}

// next plans a run after a time, within the schedule's start and end. It returns
// the zero time if there is none.
func (s RepeatStrategy) next(r RepeatOptions, name string, after time.Time) (time.Time, error) {
	if s == nil {
		s = cronStrategy
	}
	next, err := s(after, r, name)
	if err != nil || !r.EndDate.IsZero() && next.After(r.EndDate) {
		return time.Time{}, err
	}
	return next, nil
}

func cronStrategy(after time.Time, r RepeatOptions, _ string) (time.Time, error) {
	c, err := ParseCron(r.Pattern, r.TZ)
	if err != nil {
		return time.Time{}, err
	}
	if r.StartDate.After(after) {
		after = r.StartDate
	}
	return c.Next(after), nil
}

// JobScheduler returns the scheduler of this id, or [ErrSchedulerNotFound].
func (q *Queue) JobScheduler(ctx context.Context, id string) (*JobScheduler, error) {
	return q.backend.Scheduler(ctx, q.ref, id)
}

// JobSchedulers returns the schedulers start to end in the order of their next
// runs. A negative end counts from the end, so that 0, -1 are all of them.
func (q *Queue) JobSchedulers(ctx context.Context, start, end int64) ([]*JobScheduler, error) {
	return q.backend.Schedulers(ctx, q.ref, start, end)
}

// JobSchedulersCount returns how many schedulers the queue has.
func (q *Queue) JobSchedulersCount(ctx context.Context) (int64, error) {
	return q.backend.SchedulerCount(ctx, q.ref)
}

// RemoveJobScheduler removes a scheduler and the job it has planned. It returns
// [ErrSchedulerNotFound] if there is none of this id.
func (q *Queue) RemoveJobScheduler(ctx context.Context, id string) error {
	return q.backend.RemoveScheduler(ctx, q.ref, id)
}
