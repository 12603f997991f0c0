package catalogue

import (
	"encoding/json"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
)

// Worker is one running worker process, as far as it serves the queues of one
// prefix.
type Worker struct {
	// ID is unique for each start of a worker.
	ID string `json:"id"`
	// Name is what its owner calls it; jobs have it as processedBy.
	Name string `json:"name,omitempty"`
	// Host and PID say where the process runs.
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// StartedAt is when the worker began, SeenAt when it last published.
	StartedAt time.Time `json:"startedAt"`
	SeenAt    time.Time `json:"seenAt"`
	// Paused says that it takes no jobs until it is resumed, Stopping that it only
	// ends those it has.
	Paused   bool `json:"paused,omitempty"`
	Stopping bool `json:"stopping,omitempty"`
	// Queues are the queues it serves.
	Queues []Queue `json:"queues"`
	// Load is what its handlers do now. Handlers that do nothing and have no
	// limit are left out.
	Load []Load `json:"load,omitempty"`
	// Handlers are what it runs, each for the jobs of that name in the queues
	// that allow it.
	Handlers []Handler `json:"-"`
}

// Queue returns the worker's share in the queue, and whether it has one.
func (w *Worker) Queue(name string) (Queue, bool) {
	for _, q := range w.Queues {
		if q.Name == name {
			return q, true
		}
	}
	return Queue{}, false
}

// Serves reports whether the worker takes jobs of the queue.
func (w *Worker) Serves(queue string) bool {
	_, ok := w.Queue(queue)
	return ok
}

// Handler returns the worker's handler of that name, and whether it has one in
// service.
func (w *Worker) Handler(name string) (Handler, bool) {
	for _, h := range w.Handlers {
		if h.Name == name && h.InService() {
			return h, true
		}
	}
	return Handler{}, false
}

// Runs returns the handler with which the worker runs the jobs of that name in
// the queue, and whether there is one: in service, not disabled, and among those
// that the queue allows.
func (w *Worker) Runs(queue, name string) (Handler, bool) {
	q, ok := w.Queue(queue)
	if !ok || !q.Allows(name) {
		return Handler{}, false
	}
	h, ok := w.Handler(name)
	return h, ok && !h.Disabled
}

// LoadOf returns what the handler of that name does now.
func (w *Worker) LoadOf(name string) Load {
	for _, l := range w.Load {
		if l.Handler == name {
			return l
		}
	}
	return Load{Handler: name}
}

// Queue is a worker's share in a queue.
type Queue struct {
	Name string `json:"name"`
	// Concurrency is how many of its jobs the worker runs at once, Running how
	// many it runs now. Held is how many it has taken besides, which wait until
	// their handler is free.
	Concurrency int `json:"concurrency"`
	Running     int `json:"running"`
	Held        int `json:"held,omitempty"`
	// Handlers are patterns of the handlers whose jobs it runs. Empty means all.
	Handlers []string `json:"handlers,omitempty"`
	// Pattern is what the queue was found by, empty if it was named.
	Pattern string `json:"pattern,omitempty"`
	// RateLimit is what the worker was told for the queue, nil for none.
	RateLimit *RateLimit `json:"rateLimit,omitempty"`
}

// Allows reports whether the worker runs jobs of that name from the queue, if it
// has a handler for them.
func (q *Queue) Allows(handler string) bool {
	return len(q.Handlers) == 0 || wildcard.Any(q.Handlers, handler)
}

// RateLimit is how many jobs may start within a time.
type RateLimit struct {
	Max        int   `json:"max"`
	DurationMS int64 `json:"duration"`
}

// Load is what one handler of a worker does now, over all of its queues.
type Load struct {
	Handler string `json:"handler"`
	// Running is how many of its jobs run, on all versions; Held how many wait for
	// one of those to end; Concurrency how many may run at once, 0 for any number.
	Running     int `json:"running"`
	Held        int `json:"held,omitempty"`
	Concurrency int `json:"concurrency,omitempty"`
	// Draining are versions that have been replaced and still run jobs.
	Draining []Draining `json:"draining,omitempty"`
}

// Busy reports whether the handler runs as many jobs as it may.
func (l *Load) Busy() bool { return l.Concurrency > 0 && l.Running >= l.Concurrency }

// Draining is a version that has been replaced and still runs jobs.
type Draining struct {
	Version string `json:"version"`
	Running int    `json:"running"`
}

// Kind says where a handler comes from.
type Kind string

// The kinds of handlers.
const (
	// KindCore handlers are compiled in.
	KindCore Kind = "core"
	// KindCustom handlers are files in a handler directory.
	KindCustom Kind = "custom"
	// KindPlugin handlers belong to a plugin package.
	KindPlugin Kind = "plugin"
)

// Handler describes one handler of a worker.
type Handler struct {
	// Name is the job name that the handler answers.
	Name string `json:"name"`
	// Version is the author's version with the content's hash behind a plus
	// sign, such as "1.2.0+3f9ab0c1". Empty if no version is in service.
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
	Author      string `json:"author,omitempty"`
	Kind        Kind   `json:"kind"`
	// Source is the file or package it was loaded from, "core" if it is compiled in.
	Source string `json:"source"`
	// Language is "go", "javascript", "typescript", "python", a language of
	// scripts such as "shell" or "ruby", or "executable" for other programs.
	Language string `json:"language"`
	// DataSchema and ResultSchema are JSON Schemas. Nil leaves the value free.
	DataSchema   json.RawMessage `json:"dataSchema,omitempty"`
	ResultSchema json.RawMessage `json:"resultSchema,omitempty"`
	Defaults     *Defaults       `json:"defaults,omitempty"`
	// Disabled says that the worker was told not to run it.
	Disabled bool `json:"disabled,omitempty"`
	// Error is why the newest version of the source is not in service. The
	// version before it may be: see [Handler.InService].
	Error *LoadError `json:"error,omitempty"`
}

// InService reports whether the worker runs jobs with the handler. It is false
// for a source that has never loaded.
func (h *Handler) InService() bool { return h.Version != "" }

// Defaults are what a handler's author advises for its jobs.
type Defaults struct {
	// Attempts is how often a job is tried in all. 0 leaves it to the producer.
	Attempts int `json:"attempts,omitempty"`
	// Backoff is the pause before a further attempt. Nil leaves it to the producer.
	Backoff *bullmq.Backoff `json:"backoff,omitempty"`
	// TimeoutMS is how long an attempt may take, in milliseconds. 0 leaves it to the worker.
	TimeoutMS int64 `json:"timeout,omitempty"`
	// Concurrency is how many of the handler's jobs a worker runs at once, over
	// all of its queues. 0 means no limit of its own.
	Concurrency int `json:"concurrency,omitempty"`
}

// LoadError says why a source could not be loaded, and where.
type LoadError struct {
	Message string `json:"message"`
	// File is the source file, Line and Column the place in it, counted from 1.
	// Line is 0 if the place is unknown.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// Frame shows that line with some around it, numbered, and a mark below the
	// column. Empty if the place is unknown.
	Frame string `json:"frame,omitempty"`
	// At is when loading failed.
	At time.Time `json:"at"`
}

func (e *LoadError) Error() string { return e.Message }
