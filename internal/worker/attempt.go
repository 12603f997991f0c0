package worker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/jsonvalid"
)

// attempts makes the contexts of a worker's attempts.
type attempts struct {
	backend *bullmq.Redis
	flows   *bullmq.FlowProducer
	states  *jobStates
	log     *slog.Logger
}

func newAttempts(backend *bullmq.Redis, prefix string, log *slog.Logger) *attempts {
	return &attempts{
		backend: backend,
		flows:   bullmq.NewFlowProducer(backend, &bullmq.FlowOptions{Prefix: prefix}),
		states:  newJobStates(backend.Client(), log), log: log,
	}
}

// over frees what was kept for a job that has completed or failed for good.
func (f *attempts) over(job *bullmq.Job) { f.states.forget(job) }

// close waits until what is under way has been stored.
func (f *attempts) close() { f.states.close() }

// attempt is the [handler.Context] of one attempt of a job.
type attempt struct {
	context.Context
	*attempts
	job    *bullmq.Job
	view   *handler.Job
	report reporter
}

var _ handler.Context = (*attempt)(nil)

func (f *attempts) begin(ctx context.Context, job *bullmq.Job) *attempt {
	return &attempt{
		Context: ctx, attempts: f, job: job, report: reporter{job: job, log: f.log},
		view: &handler.Job{
			ID: job.ID, Queue: job.Queue.Name, Prefix: job.Queue.Prefix, Name: job.Name, Data: job.Data, Opts: job.Opts,
			Attempt: job.AttemptsMade + 1, MaxAttempts: cmp.Or(job.Opts.Attempts, 1), AttemptsStarted: job.AttemptsStarted,
			Priority: job.Priority, Timestamp: job.Timestamp, Parent: job.Parent,
		},
	}
}

// finish stores what was reported and ends the taking of reports.
func (a *attempt) finish() { a.report.close() }

// Job implements [handler.Context].
func (a *attempt) Job() *handler.Job { return a.view }

// Progress implements [handler.Context]. A value that is not JSON goes to the
// job's log as a mistake of the handler.
func (a *attempt) Progress(value any) {
	text, err := encodeValue(value)
	if err != nil {
		a.Logf("progress was not stored: %v", err)
		return
	}
	a.report.progress(text)
}

// Log implements [handler.Context].
func (a *attempt) Log(line string) { a.report.line(line) }

// Logf implements [handler.Context].
func (a *attempt) Logf(format string, args ...any) { a.Log(fmt.Sprintf(format, args...)) }

// State implements [handler.Context].
func (a *attempt) State() (json.RawMessage, error) {
	return a.states.load(a, a.job)
}

// SaveState implements [handler.Context].
func (a *attempt) SaveState(value any) error {
	text, err := encodeValue(value)
	if err != nil {
		return fmt.Errorf("the job's state was not saved: %w", err)
	}
	ctx, cancel := a.request()
	defer cancel()
	return a.states.save(ctx, a.job, text)
}

// UpdateData implements [handler.Context].
func (a *attempt) UpdateData(value any) error {
	text, err := encodeValue(value)
	if err != nil {
		return fmt.Errorf("the job's data was not updated: %w", err)
	}
	ctx, cancel := a.request()
	defer cancel()
	// Not by the job's own method, which would write to it while the engine reads.
	if err := a.backend.UpdateData(ctx, a.job.Queue, a.job.ID, text); err != nil {
		return fmt.Errorf("the job's data was not updated: %w", err)
	}
	return nil
}

// requestTimeout is how long a handler's question to the store may take.
const requestTimeout = 30 * time.Second

// request is the context of one question to the store.
func (a *attempt) request() (context.Context, context.CancelFunc) {
	return context.WithTimeout(a, requestTimeout)
}

// encodeValue writes a value of a handler as JSON. What is JSON already stays as it is.
func encodeValue(value any) (json.RawMessage, error) {
	if raw, ok := value.(json.RawMessage); ok {
		if !jsonvalid.Valid(raw) {
			return nil, errors.New("it is not JSON")
		}
		return raw, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
