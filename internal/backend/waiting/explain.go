package waiting

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
)

// Explain returns why a job in that state does not run, nil if it runs or has
// ended. It asks Redis three things at most, side by side, however many jobs and
// workers there are.
func Explain(ctx context.Context, backend bullmq.Backend, workers *directory.Directory, job *bullmq.Job, state bullmq.JobState, now time.Time) (*Reason, error) {
	switch state {
	case bullmq.StateWaiting, bullmq.StatePrioritized, bullmq.StateDelayed:
	case bullmq.StateWaitingChildren:
		return children(ctx, backend, job)
	default:
		return nil, nil
	}
	f := facts{job: job, state: state, now: now}
	if err := f.gather(ctx, backend, workers); err != nil {
		return nil, fmt.Errorf("why job %s waits: %w", job.ID, err)
	}
	return f.reason(), nil
}

func children(ctx context.Context, backend bullmq.Backend, job *bullmq.Job) (*Reason, error) {
	counts, err := backend.DependencyCounts(ctx, job.Queue, job.ID)
	if err != nil {
		return nil, fmt.Errorf("children of job %s: %w", job.ID, err)
	}
	return &Reason{Kind: Children, Detail: fmt.Sprintf("It waits for %s to finish.", jobs(counts.Unprocessed))}, nil
}

// facts are what is known of a job's surroundings at one moment.
type facts struct {
	job   *bullmq.Job
	state bullmq.JobState
	now   time.Time

	meta    bullmq.QueueMeta
	active  int64
	limited time.Duration
	force   *directory.Workforce
}

func (f *facts) gather(ctx context.Context, backend bullmq.Backend, workers *directory.Directory) error {
	g, ctx := errgroup.WithContext(ctx)
	refs := []bullmq.QueueRef{f.job.Queue}
	g.Go(func() error {
		metas, err := backend.Meta(ctx, refs)
		if err == nil {
			f.meta = metas[0]
		}
		return err
	})
	g.Go(func() error {
		counts, err := backend.Counts(ctx, refs)
		if err == nil {
			f.active = counts[0][bullmq.StateActive]
		}
		return err
	})
	g.Go(func() (err error) {
		f.force, err = workers.Workforce(ctx)
		if err == nil {
			f.limited, err = backend.RateLimitTTL(ctx, f.job.Queue, f.workersLimit())
		}
		return err
	})
	return g.Wait()
}

// workersLimit is the rate limit that our workers of the queue have, 0 if the
// queue's own is the only one.
func (f *facts) workersLimit() int {
	limit := 0
	for i := range f.force.Workers {
		if q, ok := f.force.Workers[i].Queue(f.job.Queue.Name); ok && q.RateLimit != nil {
			limit = max(limit, q.RateLimit.Max)
		}
	}
	return limit
}

// reason is the first of those that keep the job, the lasting ones before the
// passing ones: what keeps it even when its time comes is said at once.
func (f *facts) reason() *Reason {
	lasting := f.queueReason()
	if lasting == nil {
		lasting = f.handlerReason()
	}
	if f.state != bullmq.StateDelayed {
		return cmp.Or(lasting, f.busyReason(), &Reason{
			Kind: InLine, Detail: "Nothing keeps it but the jobs before it.",
		})
	}
	due := f.dueReason()
	if lasting == nil {
		return due
	}
	if f.wasPutBack() {
		return lasting // a worker only looks again when the delay is over
	}
	due.Detail += " Then it will still wait: " + lasting.Detail
	return due
}

// wasPutBack tells whether a worker took the delayed job and gave it back
// unfinished, which counts as a start and not as an attempt.
func (f *facts) wasPutBack() bool {
	return f.job.AttemptsStarted > f.job.AttemptsMade+f.job.StalledCounter
}

// dueReason is why a delayed job is.
func (f *facts) dueReason() *Reason {
	r := &Reason{Kind: Delayed, Detail: "Its time has not come yet.", Until: f.job.Timestamp.Add(f.job.Delay)}
	if f.job.AttemptsStarted == 0 {
		return r
	}
	r.Until = f.job.ProcessedOn.Add(f.job.Delay) // nearly so: the attempt took some time
	switch {
	case f.wasPutBack() && f.handlerIsBusy():
		r.Kind, r.Detail = HandlerBusy, "Its handler was busy, so that it was put back for a moment. That uses up no attempt."
	case f.wasPutBack():
		r.Detail = "A worker took it and put it back for a while, without using up an attempt."
	default:
		r.Kind = Retry
		r.Detail = fmt.Sprintf("Attempt %d of %d has failed; the next one follows after a pause.",
			f.job.AttemptsMade, max(f.job.Opts.Attempts, 1))
	}
	return r
}

func jobs(n int64) string {
	if n == 1 {
		return "1 job"
	}
	return fmt.Sprintf("%d jobs", n)
}
