package board

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// maxLogLines bounds how much of a job's log is sent, the newest lines.
const maxLogLines = 10_000

// jobView is a job as the page shows it. Absent members differ from null ones
// there, so only what the page wants null is always present.
type jobView struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Timestamp       int64             `json:"timestamp"`
	ProcessedOn     int64             `json:"processedOn,omitempty"`
	ProcessedBy     string            `json:"processedBy,omitempty"`
	FinishedOn      int64             `json:"finishedOn,omitempty"`
	Progress        json.RawMessage   `json:"progress"`
	Attempts        int               `json:"attempts"`
	Delay           int64             `json:"delay"`
	FailedReason    string            `json:"failedReason,omitempty"`
	Stacktrace      []string          `json:"stacktrace"`
	Opts            bullmq.JobOptions `json:"opts"`
	Data            json.RawMessage   `json:"data"`
	ReturnValue     json.RawMessage   `json:"returnValue"`
	IsFailed        bool              `json:"isFailed"`
	Priority        int               `json:"priority,omitempty"`
	AttemptsStarted int               `json:"attemptsStarted,omitempty"`
	StalledCounter  int               `json:"stalledCounter,omitempty"`
	DeduplicationID string            `json:"deduplicationId,omitempty"`
	DeferredFailure string            `json:"deferredFailure,omitempty"`
}

// jobAnswer is a job with its state.
type jobAnswer struct {
	Job    *jobView        `json:"job"`
	Status bullmq.JobState `json:"status"`
}

func newJobView(j *bullmq.Job) *jobView {
	trace := slices.DeleteFunc(slices.Clone(j.Stacktrace), func(s string) bool { return s == "" })
	slices.Reverse(trace) // newest first
	v := &jobView{
		ID: j.ID, Name: j.Name, Timestamp: epoch(j.Timestamp), ProcessedOn: epoch(j.ProcessedOn), FinishedOn: epoch(j.FinishedOn),
		ProcessedBy: j.ProcessedBy, Progress: orElse(j.Progress, "0"), Attempts: j.AttemptsMade, Delay: j.Delay.Milliseconds(),
		FailedReason: j.FailedReason, Stacktrace: append([]string{}, trace...), Opts: j.Opts,
		Data: orElse(j.Data, "null"), ReturnValue: orElse(j.ReturnValue, "null"), IsFailed: j.FailedReason != "" || len(trace) > 0,
		Priority: j.Priority, StalledCounter: j.StalledCounter, DeduplicationID: j.DeduplicationID, DeferredFailure: j.DeferredFailure,
	}
	if j.AttemptsStarted > j.AttemptsMade {
		v.AttemptsStarted = j.AttemptsStarted
	}
	return v
}

// epoch returns a time in milliseconds, 0 for none.
func epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// orElse returns a JSON text, or another in place of none and of what other
// programs wrote that is no JSON.
func orElse(text json.RawMessage, other string) json.RawMessage {
	if len(text) == 0 || !json.Valid(text) {
		return json.RawMessage(other)
	}
	return text
}

func (b *Board) getJob(c *call) (any, error) { return answerJob(c, c.job) }

func answerJob(c *call, j *bullmq.Job) (any, error) {
	state, err := j.State(c.ctx)
	if err != nil {
		return nil, err
	}
	return jobAnswer{newJobView(j), state}, nil
}

// jobLogs answers also for jobs that are gone, as the page expects.
func (b *Board) jobLogs(c *call) (any, error) {
	lines, _, err := b.opts.Redis.JobLogs(c.ctx, c.queue.Ref(), c.params["id"], -maxLogLines, -1)
	if err != nil && !errors.Is(err, bullmq.ErrJobNotFound) {
		return nil, err
	}
	return append([]string{}, lines...), nil
}
