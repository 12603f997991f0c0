package bullmq

import (
	"time"
)

// NewJob is a job that is complete but for the id the queue may still give it.
type NewJob struct {
	ID        string
	Name      string
	Data      []byte
	Opts      []byte
	Timestamp time.Time
	Delay     time.Duration
	Priority  int
	LIFO      bool
	Parent    *ParentLink
	// Deduplication is nil for a job that is added in any case.
	Deduplication *Deduplication
}

// ParentLink is a child's way to its parent, as the job hash keeps it.
type ParentLink struct {
	Queue QueueRef
	ID    string
	// Policy is the stored short name of what happens to the parent if the child fails.
	Policy string
}

// AddResult is what became of one [NewJob].
type AddResult struct {
	ID  string
	Err error
}

// FlowNode is one job of a flow's tree.
type FlowNode struct {
	Queue QueueRef
	Job   NewJob
	// WaitsForChildren says that the node has children in the same flow.
	WaitsForChildren bool
}

// JobLock names a lock a worker holds.
type JobLock struct {
	ID    string
	Token string
}

// WorkRequest is one call of a worker: what it finished and how much more it wants.
type WorkRequest struct {
	Outcomes []Outcome
	// Fetch is how many jobs are wanted at most. 0 only reports.
	Fetch        int
	Token        string
	LockDuration time.Duration
	WorkerName   string
	// Limiter is the worker's own rate limit, which shares its counter with the
	// queue's. The zero value is none.
	Limiter RateLimit
	// MetricsPoints is for how many minutes finished jobs are counted. 0 counts none.
	MetricsPoints int
}

// RateLimit lets at most Max jobs start within Duration, over all workers of a queue.
type RateLimit struct {
	Max      int
	Duration time.Duration
}

// OutcomeKind says where a job goes after an attempt.
type OutcomeKind string

// The ways an attempt can end.
const (
	OutcomeCompleted OutcomeKind = "completed"
	OutcomeFailed    OutcomeKind = "failed"
	// OutcomeRetry puts the job back to wait, or to delayed with a Delay.
	OutcomeRetry OutcomeKind = "retry"
	// OutcomeDelayed puts the job to delayed without counting the attempt.
	OutcomeDelayed OutcomeKind = "delayed"
	// OutcomeReleased puts the job back to the front of wait without counting the attempt.
	OutcomeReleased OutcomeKind = "released"
	// OutcomeWaitingChildren lets the job wait until its children have finished,
	// without counting the attempt. With none to wait for it is refused with
	// [ErrNoPendingChildren].
	OutcomeWaitingChildren OutcomeKind = "waiting-children"
)

// Outcome is how one attempt of a job ended.
type Outcome struct {
	Kind  OutcomeKind
	ID    string
	Token string
	// ReturnValue is the result as JSON, of a completed job.
	ReturnValue []byte
	// FailedReason and Stacktrace, a JSON array of strings, describe a failure.
	FailedReason string
	Stacktrace   []byte
	// Trace is the trace context of a failed attempt. Empty stores none.
	Trace string
	// Child is the key of the one child that OutcomeWaitingChildren is about. Empty
	// stands for all.
	Child string
	// Keep says how many jobs of the same end are kept.
	Keep Keep
	// AttemptsMade counts the attempts that ended, this one included; Attempts is
	// the job's option of that name.
	AttemptsMade int
	Attempts     int
	LIFO         bool
	Delay        time.Duration
	// Fields is how many fields the stored job has if nothing was added to it since
	// it was taken as a new job without parent or deduplication. 0 says that it was
	// none, or that this is not known.
	Fields int
}

// WorkReply answers a [WorkRequest].
type WorkReply struct {
	// Errors has the outcome's error, or nil, in the order of the request.
	Errors []error
	Jobs   []*Job
	// RateLimited is how long nothing will be given out.
	RateLimited time.Duration
	// NextDelayed is when the next delayed job becomes due. Zero if there is none
	// or jobs were given.
	NextDelayed time.Time
	// Dropped are ids that waited without a job behind them. They are out of the queue.
	Dropped []string
}

// QueueMeta is what a queue stores about itself.
type QueueMeta struct {
	// Exists says that the queue has metadata at all.
	Exists bool
	Paused bool
	// Concurrency is how many jobs may run at once over all workers. 0 means no limit.
	Concurrency int
	// RateLimitMax jobs may start within RateLimitDuration. 0 means no limit.
	RateLimitMax      int
	RateLimitDuration time.Duration
	// Version names the library that wrote the metadata, as "<name>:<version>".
	Version string
}

// JobCounts is the number of jobs in each state of a queue.
type JobCounts map[JobState]int64

// Total returns the number of jobs in all states.
func (c JobCounts) Total() int64 {
	var n int64
	for _, v := range c {
		n += v
	}
	return n
}

// WorkerConn is a connection on which a worker, Node or Go, waits for jobs.
type WorkerConn struct {
	// ID is the connection's id in the server.
	ID string
	// Queue is the queue the worker serves, Name the worker's own name, if it has one.
	Queue string
	Name  string
	// Addr is the worker's address and port.
	Addr string
	// Age is how long the connection has been open.
	Age time.Duration
}
