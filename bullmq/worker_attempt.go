package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"
)

// attempt runs a job once and says how that ended.
func (w *Worker) attempt(ctx context.Context, job *Job) (Outcome, error) {
	if p := w.opts.Propagator; p != nil && job.Opts.Telemetry != nil {
		ctx = p.Extract(ctx, job.Opts.Telemetry.Metadata)
	}
	result, err := w.execute(ctx, job)
	if err == nil {
		var out Outcome
		if out, err = w.completion(job, result); err == nil {
			return out, nil
		}
	}
	return w.failure(ctx, job, err), err
}

// completion is the outcome of an attempt with a result.
func (w *Worker) completion(job *Job, result any) (Outcome, error) {
	text, err := encodeJSON(result)
	if err != nil {
		return Outcome{}, Unrecoverable(fmt.Errorf("the result is not JSON: %w", err))
	}
	job.ReturnValue = text
	return Outcome{
		Kind: OutcomeCompleted, ID: job.ID, Token: job.held.token, ReturnValue: text, AttemptsMade: job.AttemptsMade + 1,
		Fields: job.fields, Keep: keep(job.Opts.RemoveOnComplete, w.opts.RemoveOnComplete),
	}, nil
}

// execute runs the processor, unless the job says that it must not run.
func (w *Worker) execute(ctx context.Context, job *Job) (result any, err error) {
	if job.RepeatJobKey != "" {
		w.planNextRun(ctx, job)
	}
	if job.DeferredFailure != "" {
		return nil, Unrecoverable(errors.New(job.DeferredFailure))
	}
	job.checkData()
	if job.decodeErr != nil {
		return nil, Unrecoverable(fmt.Errorf("the stored job is damaged: %w", job.decodeErr))
	}
	if limit := w.opts.MaxStartedAttempts; limit > 0 && limit < job.AttemptsStarted {
		return nil, Unrecoverable(errors.New("job started more than allowable limit"))
	}
	if w.opts.Hooks.Active != nil {
		w.opts.Hooks.Active(job)
	}
	defer func() {
		if v := recover(); v != nil {
			message := fmt.Sprint("panic: ", v)
			result, err = nil, &NamedError{Name: "panic", Message: message, Stack: message + "\n" + string(debug.Stack())}
		}
	}()
	return w.process(ctx, job)
}

// failure decides where a job goes whose attempt did not complete.
func (w *Worker) failure(ctx context.Context, job *Job, err error) Outcome {
	out := Outcome{
		ID: job.ID, Token: job.held.token, LIFO: job.Opts.LIFO,
		AttemptsMade: job.AttemptsMade + 1, Attempts: job.Opts.Attempts,
		Keep: keep(job.Opts.RemoveOnFail, w.opts.RemoveOnFail),
	}
	var control *ControlError
	var cancelled *CancelError
	cause := context.Cause(ctx)
	switch {
	case errors.As(err, &control):
		w.applyControl(ctx, control)
		out.Kind, out.Delay = control.Kind, control.Delay
		return out
	case errors.Is(cause, errShutdown):
		out.Kind = OutcomeReleased
		return out
	case errors.As(cause, &cancelled):
		err = Unrecoverable(cancelled)
	}
	job.FailedReason = err.Error()
	job.Stacktrace = appendStack(job.Stacktrace, err, job.Opts.StackTraceLimit)
	out.FailedReason = job.FailedReason
	out.Stacktrace, _ = encodeJSON(job.Stacktrace) // Strings always encode.
	if w.opts.Propagator != nil {
		out.Trace = w.opts.Propagator.Inject(ctx)
	}
	out.Kind = OutcomeFailed
	if delay, again := w.nextAttempt(ctx, job, err); again {
		out.Kind, out.Delay = OutcomeRetry, delay
	}
	return out
}

// applyControl does what a processor's control error asks for beside moving its job.
func (w *Worker) applyControl(ctx context.Context, control *ControlError) {
	if control.RateLimit == 0 {
		return
	}
	if err := w.backend.RateLimit(context.WithoutCancel(ctx), w.ref, control.RateLimit); err != nil {
		w.reportError(ctx, err)
	}
}

// nextAttempt tells whether a failed job is tried again, and after what pause.
func (w *Worker) nextAttempt(ctx context.Context, job *Job, err error) (delay time.Duration, again bool) {
	limit := w.opts.MaxStartedAttempts
	if job.AttemptsMade+1 >= job.Opts.Attempts || IsUnrecoverable(err) || limit > 0 && limit <= job.AttemptsStarted {
		return 0, false
	}
	delay, backoffErr := w.backoff(job, err)
	if backoffErr != nil {
		w.reportError(ctx, fmt.Errorf("job %s is not retried: %w", job.ID, backoffErr))
		return 0, false
	}
	return delay, delay >= 0
}

// refusedByChildren finds another outcome for a job whose children do not allow
// the one that was reported: a completion becomes the failure that BullMQ makes
// of it, and a job that has no children left to wait for runs again.
func (w *Worker) refusedByChildren(ctx context.Context, f finishedJob, refused error) (finishedJob, bool) {
	switch {
	case errors.Is(refused, ErrNoPendingChildren):
		f.outcome.Kind = OutcomeReleased
		return f, true
	case errors.Is(refused, ErrPendingDependencies):
		f.err = fmt.Errorf("Job %s has pending dependencies. moveToFinished", f.job.ID)
	case errors.Is(refused, ErrFailedChildren) && f.outcome.Kind != OutcomeFailed:
		f.err = Unrecoverable(fmt.Errorf("Cannot complete job %s because it has at least one failed child. moveToFinished", f.job.ID)) //nolint:staticcheck // BullMQ's text
	default:
		return f, false
	}
	w.reportError(ctx, refused)
	f.job.ReturnValue = nil
	f.outcome = w.failure(context.WithoutCancel(ctx), f.job, f.err)
	return f, true
}

func appendStack(stacks []string, err error, limit *int) []string {
	named := &NamedError{}
	if !errors.As(err, &named) {
		named = &NamedError{Message: err.Error()}
		if IsUnrecoverable(err) {
			named.Name = "UnrecoverableError"
		}
	}
	stack := named.Stack
	if stack == "" {
		name := named.Name
		if name == "" {
			name = "Error"
		}
		stack = name
		if named.Message != "" {
			stack += ": " + named.Message
		}
	}
	stacks = append(stacks, strings.ToValidUTF8(stack, "\uFFFD"))
	if limit != nil && len(stacks) > max(*limit, 0) {
		stacks = stacks[len(stacks)-max(*limit, 0):]
	}
	return stacks
}

func keep(own, worker *Keep) Keep {
	switch {
	case own != nil:
		return *own
	case worker != nil:
		return *worker
	default:
		return *KeepAll()
	}
}

// planNextRun adds the job that follows this one in its schedule. A schedule
// that cannot go on is reported; the job itself runs all the same.
func (w *Worker) planNextRun(ctx context.Context, job *Job) {
	repeat := job.Opts.Repeat
	if repeat == nil {
		return
	}
	now := w.opts.Now()
	if repeat.Limit > 0 && repeat.Count+1 > repeat.Limit {
		return
	}
	if !repeat.EndDate.IsZero() && now.After(repeat.EndDate) {
		return
	}
	it := SchedulerIteration{ID: job.RepeatJobKey, ProducerID: job.ID, Now: now, JobOpts: job.Opts.clone()}
	following := *repeat
	following.Count++
	it.JobOpts.Repeat = &following
	if repeat.Pattern != "" {
		var err error
		it.Next, err = w.opts.RepeatStrategy.next(*repeat, job.Name, latest(now, prevRun(job)))
		if err != nil {
			w.reportError(ctx, fmt.Errorf("job scheduler %s: %w", job.RepeatJobKey, err))
		}
		if it.Next.IsZero() {
			return
		}
	}
	if _, err := w.backend.NextSchedulerJob(ctx, w.ref, it); err != nil {
		w.reportError(ctx, fmt.Errorf("job scheduler %s: %w", job.RepeatJobKey, err))
	}
}

// prevRun is the time that a scheduler planned the job for.
func prevRun(job *Job) time.Time {
	var ms float64
	if json.Unmarshal(job.Opts.Extra["prevMillis"], &ms) != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// report tells the hooks that a result has been stored, or that it could not be.
func (w *Worker) report(ctx context.Context, f finishedJob, stored error) {
	switch {
	case stored != nil:
		w.reportError(ctx, stored)
	case f.outcome.Kind == OutcomeCompleted:
		if w.opts.Hooks.Completed != nil {
			w.opts.Hooks.Completed(f.job)
		}
	case f.outcome.Kind == OutcomeFailed || f.outcome.Kind == OutcomeRetry:
		if w.opts.Hooks.Failed != nil {
			w.opts.Hooks.Failed(f.job, f.err, f.outcome.Kind == OutcomeFailed)
		}
	}
}

func (w *Worker) reportError(ctx context.Context, err error) {
	if w.opts.Hooks.Error != nil {
		w.opts.Hooks.Error(err)
		return
	}
	w.opts.Logger.ErrorContext(ctx, "worker error", slog.String("queue", w.ref.Name), slog.Any("error", err))
}
