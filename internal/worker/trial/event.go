package trial

import (
	"encoding/json"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// EventKind says what happened.
type EventKind string

// The kinds of events. A run begins with EventStarted and ends with one of the
// last three.
const (
	// EventStarted: the handler begins; Value is the job's data.
	EventStarted EventKind = "started"
	// EventLog: the handler wrote Text to the job's log.
	EventLog EventKind = "log"
	// EventProgress: the handler reported Value as its progress.
	EventProgress EventKind = "progress"
	// EventState: the handler saved Value for a further attempt.
	EventState EventKind = "state"
	// EventData: the handler replaced the job's data by Value.
	EventData EventKind = "data"
	// EventChild and EventJob: the handler added Job, as a child or as a job of its own.
	EventChild EventKind = "child"
	EventJob   EventKind = "job"
	// EventWarning: Text says what its author might want to mend.
	EventWarning EventKind = "warning"
	// EventCompleted: Value is the result.
	EventCompleted EventKind = "completed"
	// EventPostponed: the handler put the job back, and Text says how. A worker
	// would run it again, without counting the attempt.
	EventPostponed EventKind = "postponed"
	// EventFailed: Failure says why.
	EventFailed EventKind = "failed"
)

// Event is one thing that happened in a run, in a form that programs read too.
type Event struct {
	Kind EventKind `json:"event"`
	// MS counts the milliseconds since the run began.
	MS int64 `json:"ms"`
	// Handler and Version say what runs, in EventStarted.
	Handler string          `json:"handler,omitempty"`
	Version string          `json:"version,omitempty"`
	Text    string          `json:"text,omitempty"`
	Value   json.RawMessage `json:"value,omitempty"`
	Job     *AddedJob       `json:"job,omitempty"`
	Failure *Failure        `json:"error,omitempty"`
	// Postponed says where the job goes, in EventPostponed.
	Postponed *Postponed `json:"postponed,omitempty"`
}

// Postponed says where a job goes that has not ended.
type Postponed struct {
	// To is "delayed", "waiting-children" or "released".
	To bullmq.OutcomeKind `json:"to"`
	// DelayMS is how long it waits there, RateLimitMS how long its queue rests; 0 for neither.
	DelayMS     int64 `json:"delay,omitempty"`
	RateLimitMS int64 `json:"rateLimit,omitempty"`
}

// AddedJob is a job that a handler added.
type AddedJob struct {
	handler.AddedJob
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

// Failure says why an attempt failed.
type Failure struct {
	// Name is the error's class, such as "TypeError", if the language has such.
	Name    string `json:"name,omitempty"`
	Message string `json:"message"`
	Stack   string `json:"stack,omitempty"`
	// Unrecoverable says that no further attempt would be made.
	Unrecoverable bool `json:"unrecoverable,omitempty"`
	// File, Line and Column are the innermost place in the author's own files,
	// and Frame the lines around it, if the stack leads to one.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Frame  string `json:"frame,omitempty"`
}
