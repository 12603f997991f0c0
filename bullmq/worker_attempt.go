package bullmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"
)

// attempt runs a job once and says how that ended.
func (w *Worker) attempt(ctx context.Context, job *Job) (Outcome, error) {
	result, err := w.execute(ctx, job)
	var text []byte
	if err == nil {
		if text, err = encodeJSON(result); err != nil {
			err = Unrecoverable(fmt.Errorf("the result is not JSON: %w", err))
		}
	}
	if err == nil {
		job.ReturnValue = text
		return Outcome{
			Kind: OutcomeCompleted, ID: job.ID, Token: job.token, ReturnValue: text, AttemptsMade: job.AttemptsMade + 1,
			Keep: keep(job.Opts.RemoveOnComplete, w.opts.RemoveOnComplete),
		}, nil
	}
	return w.failure(ctx, job, err), err
}

// execute runs the processor, unless the job says that it must not run.
func (w *Worker) execute(ctx context.Context, job *Job) (result any, err error) {
	if job.RepeatJobKey != "" {
		w.planNextRun(ctx, job)
	}
	if job.DeferredFailure != "" {
		return nil, Unrecoverable(errors.New(job.DeferredFailure))
	}
	if job.decodeErr != nil {
		return nil, Unrecoverable(fmt.Errorf("the stored job is damaged: %w", job.decodeErr))
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

// failure decides whether a failed attempt is followed by another.
func (w *Worker) failure(ctx context.Context, job *Job, err error) Outcome {
	out := Outcome{
		ID: job.ID, Token: job.token, LIFO: job.Opts.LIFO,
		AttemptsMade: job.AttemptsMade + 1, Attempts: job.Opts.Attempts,
		Keep: keep(job.Opts.RemoveOnFail, w.opts.RemoveOnFail),
	}
	var delayed *delayedError
	switch {
	case errors.As(err, &delayed):
		out.Kind, out.Delay = OutcomeDelayed, max(delayed.delay, time.Millisecond)
		return out
	case errors.Is(context.Cause(ctx), errShutdown):
		out.Kind = OutcomeReleased
		return out
	}
	job.FailedReason = err.Error()
	job.Stacktrace = appendStack(job.Stacktrace, err, job.Opts.StackTraceLimit)
	out.FailedReason = job.FailedReason
	out.Stacktrace, _ = encodeJSON(job.Stacktrace) // Strings always encode.
	out.Kind = OutcomeFailed
	if job.AttemptsMade+1 < job.Opts.Attempts && !IsUnrecoverable(err) {
		delay, backoffErr := job.Opts.Backoff.next(job.AttemptsMade + 1)
		if backoffErr != nil {
			w.reportError(ctx, fmt.Errorf("job %s is not retried: %w", job.ID, backoffErr))
			return out
		}
		out.Kind, out.Delay = OutcomeRetry, delay
	}
	return out
}

// refusedByChildren turns a completion that was refused because of the job's
// children into the failure that BullMQ makes of it.
func (w *Worker) refusedByChildren(ctx context.Context, f finishedJob, refused error) (finishedJob, bool) {
	switch {
	case f.outcome.Kind != OutcomeCompleted:
		return f, false
	case errors.Is(refused, ErrPendingDependencies):
		f.err = fmt.Errorf("Job %s has pending dependencies. moveToFinished", f.job.ID)
	case errors.Is(refused, ErrFailedChildren):
		f.err = Unrecoverable(fmt.Errorf("Cannot complete job %s because it has at least one failed child. moveToFinished", f.job.ID)) //nolint:staticcheck // BullMQ's text
	default:
		return f, false
	}
	f.job.ReturnValue = nil
	f.outcome = w.failure(context.WithoutCancel(ctx), f.job, f.err)
	return f, true
}

// next returns the pause after the given number of attempts.
func (b *Backoff) next(made int) (time.Duration, error) {
	if b == nil {
		return 0, nil
	}
	ms := float64(b.Delay.Milliseconds())
	switch b.Type {
	case BackoffFixed:
	case BackoffExponential:
		ms = math.Round(math.Pow(2, float64(made-1)) * ms)
	default:
		return 0, fmt.Errorf("unknown backoff type %q", b.Type)
	}
	if b.Jitter > 0 {
		ms = math.Floor(rand.Float64()*ms*b.Jitter + ms*(1-b.Jitter)) //nolint:gosec // a pause is no secret
	}
	return millis(min(ms, math.MaxInt32*1000)), nil
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
		next, err := nextRun(*repeat, latest(now, prevRun(job)))
		if err != nil {
			w.reportError(ctx, fmt.Errorf("job scheduler %s: %w", job.RepeatJobKey, err))
			return
		}
		it.Next = next
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
