package worker

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// attempt is the [handler.Context] of one attempt of a job.
type attempt struct {
	context.Context
	job    *bullmq.Job
	view   *handler.Job
	report *reporter
}

var _ handler.Context = (*attempt)(nil)

func newAttempt(ctx context.Context, job *bullmq.Job, log *slog.Logger) *attempt {
	return &attempt{
		Context: ctx, job: job,
		report: newReporter(job, log.With(slog.String("queue", job.Queue.Name), slog.String("job", job.ID))),
		view: &handler.Job{
			ID: job.ID, Queue: job.Queue.Name, Prefix: job.Queue.Prefix, Name: job.Name, Data: job.Data,
			Attempt: job.AttemptsMade + 1, MaxAttempts: cmp.Or(job.Opts.Attempts, 1),
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
	text, err := encodeProgress(value)
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

// ChildrenValues implements [handler.Context].
func (a *attempt) ChildrenValues() (map[string]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(a, 30*time.Second)
	defer cancel()
	return a.job.ChildrenValues(ctx)
}

func encodeProgress(value any) (json.RawMessage, error) {
	if raw, ok := value.(json.RawMessage); ok {
		return raw, nil // the engine checks it
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
