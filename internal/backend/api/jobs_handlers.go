package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/waiting"
)

func (s *service) listJobs(ctx context.Context, in *listJobsInput) (*pageOutput[Job], error) {
	if err := s.mustKnow(ctx, in.Queue); err != nil {
		return nil, err
	}
	kind := "jobs:" + string(in.State)
	from, err := in.offset(kind)
	if err != nil {
		return nil, err
	}
	q, err := s.queue(in.Queue)
	if err != nil {
		return nil, err
	}
	state := bullmq.JobState(in.State)
	found, err := q.Jobs(ctx, bullmq.JobsQuery{State: state, Start: from, End: from + int64(in.Limit) - 1})
	if err != nil {
		return nil, err
	}
	counts, err := q.Counts(ctx)
	if err != nil {
		return nil, err
	}
	total := counts[state]
	out := &pageOutput[Job]{Page[Job]{Items: make([]Job, len(found)), Total: &total}}
	for i, job := range found {
		out.Body.Items[i] = newJob(job, state)
	}
	// Jobs that are removed meanwhile are left out, so the place counts, not the items.
	if to := from + int64(in.Limit); to < total {
		out.Body.NextCursor = cursorAt(kind, to)
	}
	return out, nil
}

func (s *service) getJob(ctx context.Context, in *JobPath) (*jobOutput, error) {
	job, err := s.find(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.present(ctx, job)
}

func (s *service) deleteJob(ctx context.Context, in *JobPath) (*struct{}, error) {
	job, err := s.find(ctx, in)
	if err != nil {
		return nil, err
	}
	return nil, job.Remove(ctx, nil)
}

func (s *service) retryJob(ctx context.Context, in *JobPath) (*jobOutput, error) {
	return s.changeJob(ctx, in, func(job *bullmq.Job, ctx context.Context) error { return job.Retry(ctx, nil) })
}

func (s *service) promoteJob(ctx context.Context, in *JobPath) (*jobOutput, error) {
	return s.changeJob(ctx, in, (*bullmq.Job).Promote)
}

func (s *service) changeJob(ctx context.Context, in *JobPath, change func(*bullmq.Job, context.Context) error) (*jobOutput, error) {
	job, err := s.find(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := change(job, ctx); err != nil {
		return nil, err
	}
	return s.getJob(ctx, in)
}

func (s *service) jobLogs(ctx context.Context, in *jobLogsInput) (*logsOutput, error) {
	if _, err := s.find(ctx, &in.JobPath); err != nil {
		return nil, err
	}
	from, err := PageQuery{Cursor: in.Cursor}.offset("logs")
	if err != nil {
		return nil, err
	}
	lines, total, err := s.opts.Redis.JobLogs(ctx, s.opts.Directory.Ref(in.Queue), in.ID, from, from+int64(in.Limit)-1)
	if err != nil {
		return nil, err
	}
	out := &logsOutput{JobLogs{Items: append([]string{}, lines...), Total: total}}
	if to := from + int64(len(lines)); to < total && len(lines) > 0 {
		out.Body.NextCursor = cursorAt("logs", to)
	}
	return out, nil
}

// find returns the job that a path names.
func (s *service) find(ctx context.Context, in *JobPath) (*bullmq.Job, error) {
	q, err := s.queue(in.Queue)
	if err != nil {
		return nil, err
	}
	return q.Job(ctx, in.ID)
}

// present answers with a job in its present state, and why it waits if it does.
func (s *service) present(ctx context.Context, job *bullmq.Job) (*jobOutput, error) {
	state, err := job.State(ctx)
	if err != nil {
		return nil, err
	}
	if state == bullmq.StateUnknown {
		return nil, jobNotFound()
	}
	if (state == bullmq.StateCompleted || state == bullmq.StateFailed) && job.FinishedOn.IsZero() {
		// It ended between the two looks, so that what is known of it is from before.
		if job, err = s.opts.Redis.Job(ctx, job.Queue, job.ID); err != nil {
			return nil, err
		}
	}
	reason, err := waiting.Explain(ctx, s.opts.Redis, s.opts.Directory, job, state, s.opts.Now())
	if err != nil {
		return nil, err
	}
	out := &jobOutput{newJob(job, state)}
	if reason != nil {
		out.Body.Waiting = &JobWaiting{Reason: WaitingReason(reason.Kind), Detail: reason.Detail, Until: millis(reason.Until)}
	}
	return out, nil
}

func jobNotFound() error {
	return problem.Field(http.StatusNotFound, "job_not_found", "path.id", "There is no job of this id in the queue.")
}

func newJob(j *bullmq.Job, state bullmq.JobState) Job {
	out := Job{
		ID: j.ID, Queue: j.Queue.Name, Name: j.Name, State: JobState(state), Data: j.Data,
		Opts: StoredJobOptions{j.Opts}, Progress: j.Progress, ReturnValue: j.ReturnValue,
		FailedReason: j.FailedReason, Stacktrace: append([]string{}, j.Stacktrace...),
		AttemptsMade: j.AttemptsMade, AttemptsStarted: j.AttemptsStarted, StalledCounter: j.StalledCounter,
		Delay: j.Delay.Milliseconds(), Priority: j.Priority, Timestamp: j.Timestamp.UnixMilli(),
		ProcessedOn: millis(j.ProcessedOn), FinishedOn: millis(j.FinishedOn), ProcessedBy: j.ProcessedBy,
		DeduplicationID: j.DeduplicationID, RepeatJobKey: j.RepeatJobKey,
	}
	if len(out.Data) == 0 {
		out.Data = json.RawMessage("null")
	}
	if j.Parent != nil {
		out.Parent = &JobParent{ID: j.Parent.ID, Queue: j.Parent.Queue}
	}
	return out
}

// millis is a time in epoch ms, nil for the zero time.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMilli())
}

func jobPath(queue, id string) string { return queuePath(queue) + "/jobs/" + url.PathEscape(id) }
