package waiting

import "time"

// Kind names a reason.
type Kind string

// The reasons why a job does not run.
const (
	// QueuePaused is the queue's own pause.
	QueuePaused Kind = "queue-paused"
	// NoWorker says that nobody serves the queue.
	NoWorker Kind = "no-worker"
	// WorkersPaused says that all who serve it take no jobs.
	WorkersPaused Kind = "workers-paused"
	// NoHandler says that no worker of the queue has a handler of the job's name.
	NoHandler Kind = "no-handler"
	// HandlerNotAllowed says that workers have it, but do not run it on this queue.
	HandlerNotAllowed Kind = "handler-not-allowed"
	// HandlerDisabled says that it is disabled wherever it could run.
	HandlerDisabled Kind = "handler-disabled"
	// HandlerBusy says that it runs as many jobs as it may.
	HandlerBusy Kind = "handler-busy"
	// RateLimited says that the queue has started as many jobs as it may for now.
	RateLimited Kind = "rate-limited"
	// QueueBusy says that the queue runs as many jobs as it may over all workers.
	QueueBusy Kind = "queue-busy"
	// WorkersBusy says that the queue's workers run as many jobs as they may.
	WorkersBusy Kind = "workers-busy"
	// Delayed says that the job's time has not come.
	Delayed Kind = "delayed"
	// Retry says that a failed attempt is followed by another one later.
	Retry Kind = "retry"
	// Children says that the job waits for other jobs.
	Children Kind = "children"
	// InLine says that nothing keeps the job but those before it.
	InLine Kind = "in-line"
)

// Kinds lists all reasons.
var Kinds = []Kind{
	QueuePaused, NoWorker, WorkersPaused, NoHandler, HandlerNotAllowed, HandlerDisabled, HandlerBusy,
	RateLimited, QueueBusy, WorkersBusy, Delayed, Retry, Children, InLine,
}

// Reason is why a job does not run.
type Reason struct {
	Kind Kind
	// Detail says it in a sentence or two, with what to do.
	Detail string
	// Until is when that is over, as far as it is known; zero if it is not.
	Until time.Time
}
