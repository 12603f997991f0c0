package trial

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/codeframe"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
)

// Job is the made-up job of a run.
type Job struct {
	// Handler is the name of the handler that runs it.
	Handler string
	// Data is the job's data. Nil stands for the handler's [Example].
	Data json.RawMessage
	// Queue is the queue's name. Defaults to "default".
	Queue string
	// Attempt counts from 1, which is the default; MaxAttempts defaults to what
	// the handler advises.
	Attempt, MaxAttempts int
	// State is what an earlier attempt has saved. Nil for nothing.
	State json.RawMessage
	// Children are the results of completed children, by job key.
	Children map[string]json.RawMessage
	// Timeout is how long the run may take. Defaults to what the handler says; a
	// handler that says nothing has no limit.
	Timeout time.Duration
}

// Run runs the job and returns the last event; all events, that one included, go
// to emit one after the other. The error says that nothing could be run.
//
// When ctx ends the handler is told to stop, and the run ends when it has.
func (l *Library) Run(ctx context.Context, job Job, emit func(Event)) (Event, error) {
	lease, ok := l.registry.Acquire(job.Handler)
	if !ok {
		return Event{}, fmt.Errorf("there is no handler %q", job.Handler)
	}
	defer lease.Release()
	var timeout *worker.TimeoutError
	if limit := cmp.Or(job.Timeout, lease.Timeout()); limit > 0 {
		timeout = &worker.TimeoutError{Limit: limit}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, timeout)
		defer cancel()
	}
	a := newAttempt(ctx, job, lease.Handler, emit)
	a.report(Event{Kind: EventStarted, Handler: lease.Name, Version: lease.Handler.Version, Value: a.job.Data})
	result, err := lease.Run(a)
	if err != nil && timeout != nil && errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), timeout) {
		err = timeout // the handler has passed on the context's error, which says less
	}
	last := l.ending(result, err)
	if err == nil {
		a.checkResult(lease, result)
	}
	a.end(last)
	return last, nil
}

func newAttempt(ctx context.Context, job Job, h catalogue.Handler, emit func(Event)) *attempt {
	advised := 0
	if h.Defaults != nil {
		advised = h.Defaults.Attempts
	}
	now := time.Now()
	attempt := &attempt{
		Context: ctx, emit: emit, started: now, state: job.State, children: job.Children,
		job: &handler.Job{
			ID: "1", Queue: cmp.Or(job.Queue, "default"), Prefix: bullmq.DefaultPrefix, Name: job.Handler,
			Data: job.Data, Attempt: cmp.Or(job.Attempt, 1), MaxAttempts: cmp.Or(job.MaxAttempts, advised, 1),
			Timestamp: now,
		},
	}
	if attempt.job.Data == nil {
		attempt.job.Data = Example(h.DataSchema)
	}
	attempt.job.Data = compact(attempt.job.Data)
	attempt.job.MaxAttempts = max(attempt.job.MaxAttempts, attempt.job.Attempt)
	attempt.job.AttemptsStarted = attempt.job.Attempt
	attempt.job.Opts.Attempts = attempt.job.MaxAttempts
	return attempt
}

// compact writes JSON as it comes from a queue.
func compact(text json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text // the schema will say what is wrong with it
	}
	return b.Bytes()
}

// checkResult warns of a result that is not what the handler promises.
func (a *attempt) checkResult(lease *registry.Lease, result json.RawMessage) {
	if lease.ResultSchema == nil {
		return
	}
	schema, err := catalogue.CompileSchema(lease.ResultSchema)
	if err != nil {
		return // the registry has compiled it before
	}
	for _, v := range schema.Validate(result) {
		a.report(Event{Kind: EventWarning, Text: strings.TrimSpace("the result does not meet the result schema: " + v.Path + " " + v.Message)})
	}
}

// ending is the last event of a run.
func (l *Library) ending(result json.RawMessage, err error) Event {
	if err == nil {
		return Event{Kind: EventCompleted, Value: result}
	}
	if control, ok := errors.AsType[*bullmq.ControlError](err); ok {
		return Event{Kind: EventPostponed, Text: err.Error(), Postponed: &Postponed{
			To: control.Kind, DelayMS: control.Delay.Milliseconds(), RateLimitMS: control.RateLimit.Milliseconds(),
		}}
	}
	return Event{Kind: EventFailed, Failure: l.failure(err)}
}

// failure describes an error, with the place in the author's files it came from.
func (l *Library) failure(err error) *Failure {
	f := &Failure{Message: err.Error(), Unrecoverable: bullmq.IsUnrecoverable(err)}
	named, ok := errors.AsType[*bullmq.NamedError](err)
	if !ok {
		return f
	}
	f.Name, f.Stack = named.Name, named.Stack
	at, ok := codeframe.InStack(named.Stack, l.beside)
	if !ok {
		at, ok = codeframe.InStack(named.Stack, l.owns)
	}
	if ok {
		f.File, f.Line, f.Column, f.Frame = at.File, at.Line, at.Column, codeframe.Show(at)
	}
	return f
}

// beside reports whether a file is one that the handlers are made of and lies with
// them: the SDK's source may be among the others.
func (l *Library) beside(file string) bool {
	return l.owns(file) && slices.ContainsFunc(l.sources, func(s worker.Source) bool {
		dir := s.Path
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			dir = filepath.Dir(dir)
		}
		return strings.HasPrefix(file, dir+string(filepath.Separator))
	})
}

// owns reports whether a file is one that the handlers are made of.
func (l *Library) owns(file string) bool {
	_, found := slices.BinarySearch(l.files, file)
	return found
}
