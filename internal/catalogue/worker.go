package catalogue

import (
	"encoding/json"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Worker is one running worker process.
type Worker struct {
	// ID is unique for each start of a worker.
	ID string `json:"id"`
	// Host and PID say where the process runs.
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// StartedAt is when the worker began, SeenAt when it last published.
	StartedAt time.Time `json:"startedAt"`
	SeenAt    time.Time `json:"seenAt"`
	// Queues are the queues it serves.
	Queues []Queue `json:"queues"`
	// Handlers are what it runs, each for the jobs of that name in any of its queues.
	Handlers []Handler `json:"-"`
}

// Serves reports whether the worker takes jobs of the queue.
func (w *Worker) Serves(queue string) bool {
	for _, q := range w.Queues {
		if q.Name == queue {
			return true
		}
	}
	return false
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

// Queue is a worker's share in a queue.
type Queue struct {
	Name string `json:"name"`
	// Concurrency is how many of its jobs the worker runs at once, Running how
	// many it runs now.
	Concurrency int `json:"concurrency"`
	Running     int `json:"running"`
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
	// Language is "go", "javascript", "typescript" or "python".
	Language string `json:"language"`
	// DataSchema and ResultSchema are JSON Schemas. Nil leaves the value free.
	DataSchema   json.RawMessage `json:"dataSchema,omitempty"`
	ResultSchema json.RawMessage `json:"resultSchema,omitempty"`
	Defaults     *Defaults       `json:"defaults,omitempty"`
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
	// Frame is the text of that line.
	Frame string `json:"frame,omitempty"`
	// At is when loading failed.
	At time.Time `json:"at"`
}

func (e *LoadError) Error() string { return e.Message }
