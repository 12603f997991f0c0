package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
)

// maxBulk is how many jobs one bulk has at most; the schema says the same.
const maxBulk = 10_000

// maxShownErrors bounds how many refused jobs of a bulk one answer names.
const maxShownErrors = 50

func (s *service) submitJob(ctx context.Context, in *submitJobInput) (*submitJobOutput, error) {
	q, err := s.queue(in.Queue)
	if err != nil {
		return nil, err
	}
	made, again, err := idempotently(ctx, s, in.IdempotencyHeader, queuePath(in.Queue)+"/jobs", in.Body, func(ctx context.Context) ([]madeJob, error) {
		opts, err := s.admitJob(ctx, in.Queue, &in.Body, in.unknown())
		if err != nil {
			return nil, err
		}
		s.noteQueue(in.Queue)
		job, err := q.Add(ctx, in.Body.Name, in.Body.Data, opts)
		if err != nil {
			return nil, jobRefused("body", err)
		}
		return []madeJob{made(job)}, nil
	})
	if err != nil {
		return nil, err
	}
	jobs, err := s.remade(ctx, in.Queue, []NewJob{in.Body}, made, again)
	if err != nil {
		return nil, err
	}
	out := &submitJobOutput{Status: http.StatusCreated, Location: jobPath(in.Queue, jobs[0].ID), Body: jobs[0]}
	if again {
		out.Status = http.StatusOK
	}
	return out, nil
}

func (s *service) submitBulk(ctx context.Context, in *submitBulkInput) (*submitBulkOutput, error) {
	q, err := s.queue(in.Queue)
	if err != nil {
		return nil, err
	}
	jobs := in.Body.Jobs
	made, again, err := idempotently(ctx, s, in.IdempotencyHeader, queuePath(in.Queue)+"/jobs/bulk", jobs, func(ctx context.Context) ([]madeJob, error) {
		bulk := make([]bullmq.BulkJob, len(jobs))
		for i := range jobs {
			opts, err := s.admitJob(ctx, in.Queue, &jobs[i], in.unknown())
			if p := notAdmitted(err, bulkPlace(i), "path.queue"); p != nil {
				return nil, p
			}
			if err != nil {
				return nil, err
			}
			bulk[i] = bullmq.BulkJob{Name: jobs[i].Name, Data: jobs[i].Data, Opts: opts}
		}
		return s.addBulk(ctx, q, bulk)
	})
	if err != nil {
		return nil, err
	}
	out := &submitBulkOutput{Status: http.StatusCreated}
	if again {
		out.Status = http.StatusOK
	}
	out.Body.Items = make([]BulkResult, len(jobs))
	described, err := s.remade(ctx, in.Queue, jobs, made, again)
	if err != nil {
		return nil, err
	}
	for i := range made {
		if made[i].Error != "" {
			out.Body.Items[i].Error = made[i].Error
			continue
		}
		out.Body.Items[i].Job = &described[i]
		out.Body.Added++
	}
	return out, nil
}

// admitJob checks a new job, and returns its options with what its handler advises.
func (s *service) admitJob(ctx context.Context, queue string, job *NewJob, unknown bool) (*bullmq.JobOptions, error) {
	admission, err := s.opts.Directory.Admit(ctx, directory.Candidate{Queue: queue, Name: job.Name, Data: job.Data, Unknown: unknown})
	if err != nil {
		return nil, err
	}
	opts := job.Opts.JobOptions
	admission.Complete(&opts)
	return &opts, nil
}

func (s *service) addBulk(ctx context.Context, q *bullmq.Queue, bulk []bullmq.BulkJob) ([]madeJob, error) {
	s.noteQueue(q.Name())
	added, err := q.AddBulk(ctx, bulk)
	partly, isBulk := errors.AsType[*bullmq.BulkError](err)
	if err != nil && (!isBulk || added == nil) {
		return nil, bulkRefused(err, partly)
	}
	out := make([]madeJob, len(bulk))
	for i, job := range added {
		if job == nil {
			out[i].Error = s.refuse(ctx, partly.Errors[i]).Detail
			continue
		}
		out[i] = made(job)
	}
	return out, nil
}

// jobRefused names the part of a new job at a place in the body that was refused.
func jobRefused(place string, err error) error {
	v, ok := errors.AsType[*bullmq.ValidationError](err)
	if !ok {
		return err
	}
	return problem.Field(http.StatusUnprocessableEntity, "validation_failed", jobField(place, v.Field), v.Message)
}

func jobField(place, field string) string {
	if field == "data" || field == "opts" {
		return place + "." + field
	}
	return place + ".opts." + field
}

func bulkPlace(i int) string { return fmt.Sprintf("body.jobs[%d]", i) }

// bulkRefused names the jobs for which nothing of a bulk was added.
func bulkRefused(err error, bulk *bullmq.BulkError) error {
	if bulk == nil {
		return err
	}
	p := problem.New(http.StatusUnprocessableEntity, "validation_failed", "Some of the jobs are not valid, so none was added; see errors.")
	for i := 0; len(p.Errors) < min(len(bulk.Errors), maxShownErrors); i++ {
		refused, ok := bulk.Errors[i]
		if !ok {
			continue
		}
		v, ok := errors.AsType[*bullmq.ValidationError](refused)
		if !ok {
			return refused
		}
		_ = p.At(jobField(bulkPlace(i), v.Field), v.Message)
	}
	return p
}

// madeJob is what is kept of a job that an idempotent request has added.
type madeJob struct {
	ID        string          `json:"id"`
	State     bullmq.JobState `json:"state,omitempty"`
	Timestamp int64           `json:"timestamp,omitempty"`
	Error     string          `json:"error,omitempty"`

	job *bullmq.Job
}

func made(job *bullmq.Job) madeJob {
	m := madeJob{ID: job.ID, State: bullmq.StateWaiting, Timestamp: job.Timestamp.UnixMilli(), job: job}
	switch {
	case job.Delay > 0:
		m.State = bullmq.StateDelayed
	case job.Priority > 0:
		m.State = bullmq.StatePrioritized
	}
	return m
}

// remade describes the jobs that a request has made, in its order. Where they
// may not be new, because the request is a repetition or gave them an id, they
// are read; one that has been removed since is described as it was when it was made.
func (s *service) remade(ctx context.Context, queue string, asked []NewJob, made []madeJob, again bool) ([]Job, error) {
	ref := s.opts.Directory.Ref(queue)
	out := make([]Job, len(asked))
	for i, ask := range asked {
		m := &made[i]
		if m.Error != "" {
			continue
		}
		old := again || ask.Opts.ID != ""
		if old {
			job, err := s.opts.Redis.Job(ctx, ref, m.ID)
			if err == nil {
				if m.State, err = job.State(ctx); err != nil {
					return nil, err
				}
				m.job = job
			} else if !errors.Is(err, bullmq.ErrJobNotFound) {
				return nil, err
			}
		}
		if m.job == nil || m.State == bullmq.StateUnknown {
			m.job = ask.asMade(ref, m)
		}
		out[i] = newJob(m.job, m.State)
	}
	return out, nil
}

// asMade is the job as it was when it was added.
func (n *NewJob) asMade(ref bullmq.QueueRef, m *madeJob) *bullmq.Job {
	if m.State == bullmq.StateUnknown {
		m.State = bullmq.StateWaiting
	}
	data := n.Data
	if len(data) == 0 {
		data = JSON("{}")
	}
	return &bullmq.Job{
		ID: m.ID, Queue: ref, Name: n.Name, Data: data, Opts: n.Opts.JobOptions, Timestamp: time.UnixMilli(m.Timestamp),
		Delay: n.Opts.Delay, Priority: n.Opts.Priority,
	}
}
