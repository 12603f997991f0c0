package bullmq

import (
	"context"
	"time"
)

// RetryJobsOptions selects the jobs of [Queue.RetryJobs].
type RetryJobsOptions struct {
	// State is [StateFailed], the default, or [StateCompleted].
	State JobState
	// Before is the latest time at which the jobs have finished. Zero means now.
	Before time.Time
}

// RetryJobs puts all completed or failed jobs back to wait, the oldest first, and
// returns their number. It goes on in chunks, so that other clients are served
// meanwhile.
func (q *Queue) RetryJobs(ctx context.Context, opts RetryJobsOptions) (int64, error) {
	if opts.State == "" {
		opts.State = StateFailed
	}
	if opts.Before.IsZero() {
		opts.Before = q.opts.Now()
	}
	return q.backend.RetryJobs(ctx, q.ref, opts.State, opts.Before)
}

// PromoteJobs lets all delayed jobs run now and returns their number.
func (q *Queue) PromoteJobs(ctx context.Context) (int64, error) {
	return q.backend.PromoteJobs(ctx, q.ref)
}

// Drain deletes all jobs that wait, and with delayed those that are delayed. Jobs
// that job schedulers have planned stay, and so do active and finished ones.
// Parents in the same queue whose last children go disappear with them.
func (q *Queue) Drain(ctx context.Context, delayed bool) error {
	return q.backend.Drain(ctx, q.ref, delayed)
}

// CleanOptions selects the jobs of [Queue.Clean].
type CleanOptions struct {
	// State is any but waiting-children. Of active jobs only those without a lock
	// are deleted.
	State JobState
	// Grace is how old a job must be, in whole milliseconds: since it finished,
	// began, or was added, whichever came last.
	Grace time.Duration
	// Limit is how many jobs are deleted at most, the oldest first. 0 means no limit.
	Limit int
}

// Clean deletes old jobs of one state and returns their ids. Jobs that job
// schedulers have planned stay.
func (q *Queue) Clean(ctx context.Context, opts CleanOptions) ([]string, error) {
	if opts.Limit < 0 || opts.Grace < 0 {
		return nil, invalid("limit", "grace and limit must not be negative")
	}
	return q.backend.Clean(ctx, q.ref, opts.State, q.opts.Now().Add(-opts.Grace), opts.Limit)
}

// Obliterate pauses the queue and deletes it with all its jobs. While jobs are
// active it does nothing and returns [ErrQueueActive], unless force is given; a
// worker that still runs such a job finds its lock gone.
func (q *Queue) Obliterate(ctx context.Context, force bool) error {
	return q.backend.Obliterate(ctx, q.ref, force)
}

// RemoveOptions are the choices of [Queue.Remove] and [Job.Remove]; nil or the
// zero value is fine.
type RemoveOptions struct {
	// KeepChildren leaves the children of the job alone.
	KeepChildren bool
}

// Remove deletes a job and its children. It returns [ErrJobLocked] if one of them
// is being processed, [ErrJobBelongsToScheduler] for a job that a scheduler has
// planned. Nothing is deleted then, but of families of more than 40 children, which
// go in several steps, some may be gone if one begins meanwhile.
func (q *Queue) Remove(ctx context.Context, id string, opts *RemoveOptions) error {
	return q.backend.Remove(ctx, q.ref, id, opts == nil || !opts.KeepChildren)
}

// RemoveOrphanedJobs deletes jobs that are in no state, as a crash of something
// else than a queue library may leave them, and returns their number. It walks the
// whole key space.
func (q *Queue) RemoveOrphanedJobs(ctx context.Context) (int64, error) {
	return q.backend.RemoveOrphanedJobs(ctx, q.ref)
}
