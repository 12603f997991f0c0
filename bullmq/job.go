package bullmq

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// JobState is where a job is in its life.
type JobState string

// The states of a job. A job is in exactly one of them.
const (
	StateWaiting         JobState = "waiting"
	StatePrioritized     JobState = "prioritized"
	StateDelayed         JobState = "delayed"
	StateActive          JobState = "active"
	StateWaitingChildren JobState = "waiting-children"
	StateCompleted       JobState = "completed"
	StateFailed          JobState = "failed"
	// StateUnknown is the answer for a job that does not exist.
	StateUnknown JobState = "unknown"
)

// JobStates lists every state a job can be in, in the order dashboards show them.
var JobStates = []JobState{
	StateWaiting, StateActive, StateDelayed, StatePrioritized, StateWaitingChildren, StateCompleted, StateFailed,
}

// Job is one job as it was read from the store. Its fields do not follow later
// changes; its methods act on the stored job and return [ErrJobNotFound] once it is gone.
type Job struct {
	// ID is unique in the queue.
	ID string
	// Queue is where the job lives.
	Queue QueueRef
	// Name says what kind of job it is; workers choose a handler by it.
	Name string
	// Data is what the producer gave, as JSON.
	Data json.RawMessage
	// Opts are the options the job was added with.
	Opts JobOptions
	// Timestamp is when the job was created.
	Timestamp time.Time
	// ProcessedOn is when the latest attempt began. Zero before the first.
	ProcessedOn time.Time
	// FinishedOn is when the job completed or failed for good. Zero before.
	FinishedOn time.Time
	// Delay is what is stored as the job's delay; it becomes 0 when the delay is over.
	Delay time.Duration
	// Priority is the current priority, which may differ from Opts.Priority.
	Priority int
	// Progress is what the handler last reported, as JSON. Nil before.
	Progress json.RawMessage
	// ReturnValue is the handler's result, as JSON. Nil before.
	ReturnValue json.RawMessage
	// FailedReason is the message of the latest failure.
	FailedReason string
	// Stacktrace holds one text for each failed attempt, oldest first.
	Stacktrace []string
	// AttemptsMade counts the attempts that ended, AttemptsStarted those that
	// began, StalledCounter those whose worker went silent.
	AttemptsMade    int
	AttemptsStarted int
	StalledCounter  int
	// ProcessedBy is the name of the worker of the latest attempt, if it has one.
	ProcessedBy string
	// ParentKey is the key of the job's parent, "<prefix>:<queue>:<id>". Empty without one.
	ParentKey string
	// Parent names the same parent in parts.
	Parent *ParentRef
	// DeduplicationID is the id the job was deduplicated by.
	DeduplicationID string
	// RepeatJobKey is the id of the job scheduler that made the job.
	RepeatJobKey string
	// DeferredFailure is a reason for which the next worker must fail the job unrun.
	DeferredFailure string

	backend Backend
	// fields is how many fields the stored job has, if it was a new one without
	// parent or deduplication when it was taken.
	fields int
	// held is set while a worker has the job.
	held *hold
	// decodeErr tells what of the stored job could not be understood.
	decodeErr error
}

// State returns the job's current state, [StateUnknown] if it does not exist.
func (j *Job) State(ctx context.Context) (JobState, error) {
	return j.backend.JobState(ctx, j.Queue, j.ID)
}

// UpdateProgress stores the job's progress, any value that JSON can hold, and
// announces it. By convention a number is a percentage.
func (j *Job) UpdateProgress(ctx context.Context, progress any) error {
	text, err := encodeJSON(progress)
	if err != nil {
		return fmt.Errorf("encode progress of job %s: %w", j.ID, err)
	}
	if err := j.backend.UpdateProgress(ctx, j.Queue, j.ID, text); err != nil {
		return err
	}
	j.Progress = text
	if j.held != nil && j.held.worker.opts.Hooks.Progress != nil {
		j.held.worker.opts.Hooks.Progress(j)
	}
	return nil
}

// UpdateData replaces the job's data.
func (j *Job) UpdateData(ctx context.Context, data any) error {
	text, err := encodeJSON(data)
	if err != nil {
		return fmt.Errorf("encode data of job %s: %w", j.ID, err)
	}
	if err := j.backend.UpdateData(ctx, j.Queue, j.ID, text); err != nil {
		return err
	}
	j.Data = text
	return nil
}

// Log appends a line to the job's log and keeps the newest Opts.KeepLogs of them.
func (j *Job) Log(ctx context.Context, line string) error {
	_, err := j.backend.AddLog(ctx, j.Queue, j.ID, line, j.Opts.KeepLogs)
	return err
}

// Logs returns the lines start to end of the job's log, oldest first, and how
// many there are in all. Negative indexes count from the end, as in Redis.
func (j *Job) Logs(ctx context.Context, start, end int64) ([]string, int64, error) {
	return j.backend.JobLogs(ctx, j.Queue, j.ID, start, end)
}

// ClearLogs removes the job's log lines but the newest keep, 0 for all.
func (j *Job) ClearLogs(ctx context.Context, keep int) error {
	return j.backend.ClearLogs(ctx, j.Queue, j.ID, keep)
}

// RetryOptions are the choices of [Job.Retry]; nil or the zero value is fine.
type RetryOptions struct {
	// LIFO puts the job in front of those that wait, which its own option of that
	// name does as well.
	LIFO bool
	// ResetAttemptsMade and ResetAttemptsStarted let the job begin its attempts anew.
	ResetAttemptsMade    bool
	ResetAttemptsStarted bool
}

// Retry puts a completed or failed job back to wait. It returns
// [ErrNotInState] for a job in any other state.
func (j *Job) Retry(ctx context.Context, opts *RetryOptions) error {
	state, err := j.State(ctx)
	if err != nil {
		return err
	}
	var o RetryOptions
	if opts != nil {
		o = *opts
	}
	o.LIFO = o.LIFO || j.Opts.LIFO
	return j.backend.RetryFinished(ctx, j.Queue, j.ID, state, o)
}

// Promote lets a delayed job run now. It returns [ErrNotInState] if the job is
// not delayed.
func (j *Job) Promote(ctx context.Context) error {
	return j.backend.Promote(ctx, j.Queue, j.ID)
}

// Remove deletes the job, as [Queue.Remove] does.
func (j *Job) Remove(ctx context.Context, opts *RemoveOptions) error {
	return j.backend.Remove(ctx, j.Queue, j.ID, opts == nil || !opts.KeepChildren)
}

// RemoveDeduplicationKey lets go of the job's deduplication id, so that the next
// job of that id is added. It returns whether the job had it.
func (j *Job) RemoveDeduplicationKey(ctx context.Context) (bool, error) {
	if j.DeduplicationID == "" {
		return false, nil
	}
	return j.backend.RemoveDeduplicationKey(ctx, j.Queue, j.DeduplicationID, j.ID)
}

// ChangeDelay gives a delayed job a new delay that counts from now. It returns
// [ErrNotInState] if the job is not delayed.
func (j *Job) ChangeDelay(ctx context.Context, delay time.Duration) error {
	if delay < 0 {
		return invalid("delay", "Delay should not be negative")
	}
	return j.backend.ChangeDelay(ctx, j.Queue, j.ID, delay)
}

// ChangePriority gives the job a new priority; lifo puts it in front of the
// others of that priority.
func (j *Job) ChangePriority(ctx context.Context, priority int, lifo bool) error {
	if priority < 0 || priority > MaxPriority {
		return invalid("priority", "Priority should be between 0 and %d", MaxPriority)
	}
	return j.backend.ChangePriority(ctx, j.Queue, j.ID, priority, lifo)
}
