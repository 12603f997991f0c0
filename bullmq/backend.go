package bullmq

import (
	"context"
	"encoding/json"
	"time"
)

// Backend is the seam between the engine and the store that holds the queues.
// Each method is one atomic operation, or a sequence of bounded atomic chunks
// where its comment says so. [Redis] implements it.
//
// The interface is for the engine's own use and may grow with any release.
type Backend interface {
	adder
	runner
	jobStore
	queueStore
	schedulerStore
	eventStore

	// Close ends every connection; calls in flight fail with [ErrClosed] or the
	// connection's error.
	Close() error
}

// adder inserts jobs.
type adder interface {
	// AddJobs inserts jobs into one queue in bounded atomic chunks and returns
	// each one's id or error. An error of its own means that nothing is known
	// of the jobs that have neither.
	AddJobs(ctx context.Context, q QueueRef, jobs []NewJob) ([]AddResult, error)
	// AddFlow inserts a tree, parents before children, in one transaction.
	AddFlow(ctx context.Context, nodes []FlowNode) error
}

// runner is the life of a job in a worker.
type runner interface {
	// FinishAndFetch reports how jobs ended and takes new ones, in one call.
	FinishAndFetch(ctx context.Context, q QueueRef, req WorkRequest) (*WorkReply, error)
	// ExtendLocks renews locks and returns the ids of those that were lost.
	ExtendLocks(ctx context.Context, q QueueRef, locks []JobLock, duration time.Duration) (lost []string, err error)
	// RecoverStalled gives active jobs without a lock back to the queue and
	// returns their ids. It does nothing if any worker did it within interval.
	RecoverStalled(ctx context.Context, q QueueRef, maxStalledCount int, interval time.Duration) ([]string, error)
	// NewWaiter opens a connection on which a worker waits for work.
	NewWaiter(q QueueRef, workerName string) Waiter
}

// Waiter blocks until there may be something to fetch.
type Waiter interface {
	// Open makes the connection, so that the worker shows in worker lists before
	// its first wait.
	Open(ctx context.Context) error
	// Wait returns when the queue's marker was set, at most timeout later. A
	// nextDelayed in the future says when a delayed job becomes due.
	Wait(ctx context.Context, timeout time.Duration) (nextDelayed time.Time, err error)
	// Close ends the connection and a Wait in progress.
	Close()
}

// jobStore reads and changes single jobs.
type jobStore interface {
	Job(ctx context.Context, q QueueRef, id string) (*Job, error)
	Jobs(ctx context.Context, q QueueRef, ids []string) ([]*Job, error)
	JobState(ctx context.Context, q QueueRef, id string) (JobState, error)
	UpdateData(ctx context.Context, q QueueRef, id string, data []byte) error
	UpdateProgress(ctx context.Context, q QueueRef, id string, progress []byte) error
	AddLog(ctx context.Context, q QueueRef, id, line string, keep int) (count int64, err error)
	JobLogs(ctx context.Context, q QueueRef, id string, start, end int64) (lines []string, count int64, err error)
	RetryFinished(ctx context.Context, q QueueRef, id string, from JobState) error
	Promote(ctx context.Context, q QueueRef, id string) error
	ChangeDelay(ctx context.Context, q QueueRef, id string, delay time.Duration) error
	ChangePriority(ctx context.Context, q QueueRef, id string, priority int, lifo bool) error
	Remove(ctx context.Context, q QueueRef, id string, children bool) error
	ChildrenValues(ctx context.Context, q QueueRef, id string) (map[string]json.RawMessage, error)
	Dependencies(ctx context.Context, q QueueRef, id string) (*Dependencies, error)
}

// queueStore reads and changes whole queues.
type queueStore interface {
	// Queues lists the queues of a prefix: all that a producer or an operator has
	// touched. It walks the key space in small steps.
	Queues(ctx context.Context, prefix string) ([]string, error)
	// InitQueue writes the queue's metadata, so that it is listed before its first job.
	InitQueue(ctx context.Context, q QueueRef, maxEvents int) error
	// Meta reads the metadata of many queues in one round trip.
	Meta(ctx context.Context, queues []QueueRef) ([]QueueMeta, error)
	// Counts reads the job counts of many queues in one round trip.
	Counts(ctx context.Context, queues []QueueRef) ([]JobCounts, error)
	// JobIDs returns the ids start to end of a state, in the order they run, or
	// finished; newest first with desc.
	JobIDs(ctx context.Context, q QueueRef, state JobState, start, end int64, desc bool) ([]string, error)
	Pause(ctx context.Context, q QueueRef) error
	Resume(ctx context.Context, q QueueRef) error
	// Workers lists the connections that wait for jobs of any queue of a prefix.
	Workers(ctx context.Context, prefix string) ([]WorkerConn, error)
}

// schedulerStore keeps job schedulers.
type schedulerStore interface {
	UpsertScheduler(ctx context.Context, q QueueRef, s SchedulerUpsert) (jobID string, err error)
	NextSchedulerJob(ctx context.Context, q QueueRef, s SchedulerIteration) (jobID string, err error)
	RemoveScheduler(ctx context.Context, q QueueRef, id string) error
	Scheduler(ctx context.Context, q QueueRef, id string) (*JobScheduler, error)
	Schedulers(ctx context.Context, q QueueRef, start, end int64) ([]*JobScheduler, error)
	SchedulerCount(ctx context.Context, q QueueRef) (int64, error)
}

// eventStore reads the queues' event streams.
type eventStore interface {
	// LastEventIDs returns the id of the newest event of each queue, "0-0" if none.
	LastEventIDs(ctx context.Context, queues []QueueRef) ([]string, error)
	// NewEventSource opens a connection on which one reader follows any number of streams.
	NewEventSource(name string) EventSource
}

// EventSource is a blocking connection to event streams.
type EventSource interface {
	// Read returns the events after the given positions, waiting up to block for
	// the first of them.
	Read(ctx context.Context, after map[QueueRef]string, block time.Duration) ([]Event, error)
	Close()
}

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
	// Keep says how many jobs of the same end are kept.
	Keep Keep
	// AttemptsMade counts the attempts that ended, this one included; Attempts is
	// the job's option of that name.
	AttemptsMade int
	Attempts     int
	LIFO         bool
	Delay        time.Duration
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
