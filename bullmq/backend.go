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
	family
	queueStore
	bulkStore
	limiter
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
	// AddFlow inserts trees, parents before children, in one transaction, and
	// returns each job's id or error. A tree of which a job is refused is left out.
	AddFlow(ctx context.Context, nodes []FlowNode) ([]AddResult, error)
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
	ClearLogs(ctx context.Context, q QueueRef, id string, keep int) error
	JobLogs(ctx context.Context, q QueueRef, id string, start, end int64) (lines []string, count int64, err error)
	RetryFinished(ctx context.Context, q QueueRef, id string, from JobState, opts RetryOptions) error
	Promote(ctx context.Context, q QueueRef, id string) error
	ChangeDelay(ctx context.Context, q QueueRef, id string, delay time.Duration) error
	ChangePriority(ctx context.Context, q QueueRef, id string, priority int, lifo bool) error
	Remove(ctx context.Context, q QueueRef, id string, children bool) error
	// RemoveDeduplicationKey lets go of a deduplication id. With a job id it does so
	// only if that job has it. It returns whether there was something to let go of.
	RemoveDeduplicationKey(ctx context.Context, q QueueRef, deduplicationID, jobID string) (bool, error)
	// DeduplicationJobID returns the id of the job that has a deduplication id, empty if none.
	DeduplicationJobID(ctx context.Context, q QueueRef, deduplicationID string) (string, error)
}

// family is a job's ties to its parent and children.
type family interface {
	ChildrenValues(ctx context.Context, q QueueRef, id string) (map[string]json.RawMessage, error)
	IgnoredFailures(ctx context.Context, q QueueRef, id string) (map[string]string, error)
	// Dependencies returns up to limit children of each kind, all with 0.
	Dependencies(ctx context.Context, q QueueRef, id string, limit int) (*Dependencies, error)
	DependencyCounts(ctx context.Context, q QueueRef, id string) (DependencyCounts, error)
	RemoveUnprocessedChildren(ctx context.Context, q QueueRef, id string) error
	// RemoveChildDependency parts a child from its parent and returns whether the
	// parent waited for it.
	RemoveChildDependency(ctx context.Context, q QueueRef, id, parentKey string) (bool, error)
}

// queueStore reads and changes whole queues.
type queueStore interface {
	// CheckQueue reports a queue whose keys the store cannot hold together. Nothing
	// is written.
	CheckQueue(q QueueRef) error
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
	// CountsPerPriority counts the waiting jobs of each of the priorities.
	CountsPerPriority(ctx context.Context, q QueueRef, priorities []int) ([]int64, error)
	// DelayedCount counts the delayed jobs that are due before a time.
	DelayedCount(ctx context.Context, q QueueRef, before time.Time) (int64, error)
	Metrics(ctx context.Context, q QueueRef, state JobState, start, end int64) (*Metrics, error)
	Pause(ctx context.Context, q QueueRef) error
	Resume(ctx context.Context, q QueueRef) error
	// Workers lists the connections that wait for jobs of any queue of a prefix.
	Workers(ctx context.Context, prefix string) ([]WorkerConn, error)
}

// bulkStore changes many jobs of a queue, chunk by chunk.
type bulkStore interface {
	// RetryJobs puts the jobs that completed or failed by a time back to wait and
	// returns their number.
	RetryJobs(ctx context.Context, q QueueRef, from JobState, before time.Time) (int64, error)
	// PromoteJobs lets all delayed jobs run now and returns their number.
	PromoteJobs(ctx context.Context, q QueueRef) (int64, error)
	// Drain deletes the jobs that wait, with delayed those that are delayed too.
	Drain(ctx context.Context, q QueueRef, delayed bool) error
	// Clean deletes jobs of a state that are older than a time, no more than limit
	// unless that is 0, and returns their ids.
	Clean(ctx context.Context, q QueueRef, state JobState, before time.Time, limit int) ([]string, error)
	// Obliterate pauses a queue and deletes it.
	Obliterate(ctx context.Context, q QueueRef, force bool) error
	// RemoveOrphanedJobs deletes jobs that are in no state and returns their number.
	RemoveOrphanedJobs(ctx context.Context, q QueueRef) (int64, error)
}

// limiter keeps a queue's limits.
type limiter interface {
	SetGlobalConcurrency(ctx context.Context, q QueueRef, n int) error
	RemoveGlobalConcurrency(ctx context.Context, q QueueRef) error
	SetGlobalRateLimit(ctx context.Context, q QueueRef, limit RateLimit) error
	RemoveGlobalRateLimit(ctx context.Context, q QueueRef) error
	RateLimit(ctx context.Context, q QueueRef, d time.Duration) error
	RemoveRateLimit(ctx context.Context, q QueueRef) error
	RateLimitTTL(ctx context.Context, q QueueRef, maxJobs int) (time.Duration, error)
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

// eventStore reads and writes the queues' event streams.
type eventStore interface {
	// LastEventIDs returns the id of the newest event of each queue, "0-0" if none.
	LastEventIDs(ctx context.Context, queues []QueueRef) ([]string, error)
	TrimEvents(ctx context.Context, q QueueRef, maxEvents int64) (int64, error)
	// PublishEvent adds an event of the caller's own and returns its id.
	PublishEvent(ctx context.Context, q QueueRef, name string, fields map[string]string, maxEvents int) (string, error)
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
