package conformance

import (
	"encoding/json"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// jobView is a job under the names that npm bullmq has.
type jobView struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Data            any               `json:"data"`
	Opts            bullmq.JobOptions `json:"opts"`
	Timestamp       int64             `json:"timestamp"`
	Delay           int64             `json:"delay"`
	Priority        int               `json:"priority"`
	Progress        any               `json:"progress"`
	ReturnValue     any               `json:"returnvalue"`
	FailedReason    string            `json:"failedReason"`
	Stacktrace      []string          `json:"stacktrace"`
	AttemptsMade    int               `json:"attemptsMade"`
	AttemptsStarted int               `json:"attemptsStarted"`
	StalledCounter  int               `json:"stalledCounter"`
	ProcessedOn     int64             `json:"processedOn"`
	FinishedOn      int64             `json:"finishedOn"`
	ProcessedBy     string            `json:"processedBy"`
	ParentKey       string            `json:"parentKey"`
	RepeatJobKey    string            `json:"repeatJobKey"`
	DeduplicationID string            `json:"deduplicationId"`
	DeferredFailure string            `json:"deferredFailure"`
}

func viewJob(job *bullmq.Job) *jobView {
	return &jobView{
		ID: job.ID, Name: job.Name, Data: asJSON(job.Data), Opts: job.Opts,
		Timestamp: epochMS(job.Timestamp), Delay: job.Delay.Milliseconds(), Priority: job.Priority,
		Progress: asJSON(job.Progress), ReturnValue: asJSON(job.ReturnValue),
		FailedReason: job.FailedReason, Stacktrace: job.Stacktrace,
		AttemptsMade: job.AttemptsMade, AttemptsStarted: job.AttemptsStarted, StalledCounter: job.StalledCounter,
		ProcessedOn: epochMS(job.ProcessedOn), FinishedOn: epochMS(job.FinishedOn), ProcessedBy: job.ProcessedBy,
		ParentKey: job.ParentKey, RepeatJobKey: job.RepeatJobKey,
		DeduplicationID: job.DeduplicationID, DeferredFailure: job.DeferredFailure,
	}
}

func viewJobs(jobs []*bullmq.Job) []*jobView {
	views := make([]*jobView, len(jobs))
	for i, job := range jobs {
		views[i] = viewJob(job)
	}
	return views
}

// flowIDs are the ids of a flow.
type flowIDs struct {
	ID       string    `json:"id"`
	Children []flowIDs `json:"children,omitempty"`
}

func viewIDs(r *bullmq.FlowResult) flowIDs {
	v := flowIDs{ID: r.Job.ID}
	for _, child := range r.Children {
		v.Children = append(v.Children, viewIDs(child))
	}
	return v
}

// flowView is a flow with its jobs.
type flowView struct {
	Job      *jobView   `json:"job"`
	Children []flowView `json:"children,omitempty"`
}

func viewTree(r *bullmq.FlowResult) flowView {
	v := flowView{Job: viewJob(r.Job)}
	for _, child := range r.Children {
		v.Children = append(v.Children, viewTree(child))
	}
	return v
}

// schedulerView is a job scheduler under the names that npm bullmq has.
type schedulerView struct {
	Key            string       `json:"key"`
	Name           string       `json:"name"`
	Pattern        string       `json:"pattern"`
	Every          int64        `json:"every"`
	TZ             string       `json:"tz"`
	Limit          int          `json:"limit"`
	StartDate      int64        `json:"startDate"`
	EndDate        int64        `json:"endDate"`
	Offset         int64        `json:"offset"`
	Next           int64        `json:"next"`
	IterationCount int          `json:"iterationCount"`
	Template       templateView `json:"template"`
}

type templateView struct {
	Data any               `json:"data"`
	Opts bullmq.JobOptions `json:"opts"`
}

func viewScheduler(s *bullmq.JobScheduler) *schedulerView {
	return &schedulerView{
		Key: s.ID, Name: s.Name, Pattern: s.Repeat.Pattern, Every: s.Repeat.Every.Milliseconds(), TZ: s.Repeat.TZ,
		Limit: s.Repeat.Limit, StartDate: epochMS(s.Repeat.StartDate), EndDate: epochMS(s.Repeat.EndDate),
		Offset: s.Repeat.Offset.Milliseconds(), Next: epochMS(s.Next), IterationCount: s.IterationCount,
		Template: templateView{Data: asJSON(s.Data), Opts: s.Opts},
	}
}

func epochMS(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// asJSON is JSON text as a value that is encoded as it is.
func asJSON(text json.RawMessage) any {
	if len(text) == 0 {
		return nil
	}
	return text
}
