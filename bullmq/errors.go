package bullmq

import (
	"errors"
	"fmt"
)

// Conditions that an operation on a job or queue can meet. Each stands for one
// result code of the wire format and is returned wrapped with the job's id.
var (
	// ErrJobNotFound says that the job's hash does not exist (code -1).
	ErrJobNotFound = errors.New("job not found")
	// ErrLockMissing says that the job's lock has expired or was released (code -2).
	ErrLockMissing = errors.New("missing lock for job")
	// ErrNotInState says that the job is not in the state the operation starts from (code -3).
	ErrNotInState = errors.New("job is not in the expected state")
	// ErrPendingDependencies says that the job still has unfinished children (code -4).
	ErrPendingDependencies = errors.New("job has pending dependencies")
	// ErrParentNotFound says that the parent job's hash does not exist (code -5).
	ErrParentNotFound = errors.New("parent job not found")
	// ErrLockMismatch says that another worker holds the job's lock (code -6).
	ErrLockMismatch = errors.New("lock is owned by another worker")
	// ErrParentReplaced says that the job already has another living parent (code -7).
	ErrParentReplaced = errors.New("parent of an existing job cannot be replaced")
	// ErrJobBelongsToScheduler says that the job is a scheduler's next run and
	// goes away only with its scheduler (code -8).
	ErrJobBelongsToScheduler = errors.New("job belongs to a job scheduler and cannot be removed directly")
	// ErrFailedChildren says that a child of the job has failed (code -9).
	ErrFailedChildren = errors.New("job has at least one failed child")
	// ErrFlowRefused says that a job of a flow was left out since another job of the
	// same tree was refused (code -13, which BullMQ does not have).
	ErrFlowRefused = errors.New("another job of the flow was refused")
	// ErrNoPendingChildren says that a job that is to wait for children has none that
	// are unfinished (code 1).
	ErrNoPendingChildren = errors.New("job has no pending children")
	// ErrSchedulerSlotTaken says that the run a scheduler would add exists already (codes -10, -11).
	ErrSchedulerSlotTaken = errors.New("job scheduler iteration already exists")
	// ErrSchedulerNotFound says that no job scheduler has this id.
	ErrSchedulerNotFound = errors.New("job scheduler not found")
	// ErrLegacyRepeatable says that a job is repeated by a record that no job
	// scheduler wrote, of an older BullMQ or damaged. Its schedule ends; upsert a job
	// scheduler in its place.
	ErrLegacyRepeatable = errors.New("legacy repeatable jobs are not supported")
	// ErrJobLocked says that the job, or one of its pending descendants, is being processed.
	ErrJobLocked = errors.New("job is locked by a worker")
	// ErrQueueNotPaused says that the operation is allowed on a paused queue only.
	ErrQueueNotPaused = errors.New("queue is not paused")
	// ErrQueueActive says that the queue still has active jobs.
	ErrQueueActive = errors.New("queue has active jobs")
	// ErrDamagedJob says that what is stored of a job, or of its parent, is not what
	// it should be (code -12, which BullMQ does not have).
	ErrDamagedJob = errors.New("stored job is damaged")
	// ErrClosed says that the worker, reader or backend has been closed.
	ErrClosed = errors.New("closed")
)

// codeErrors maps the result codes of the scripts to their sentinels.
var codeErrors = map[int64]error{
	-1:  ErrJobNotFound,
	-2:  ErrLockMissing,
	-3:  ErrNotInState,
	-4:  ErrPendingDependencies,
	-5:  ErrParentNotFound,
	-6:  ErrLockMismatch,
	-7:  ErrParentReplaced,
	-8:  ErrJobBelongsToScheduler,
	-9:  ErrFailedChildren,
	-10: ErrSchedulerSlotTaken,
	-11: ErrSchedulerSlotTaken,
	-12: ErrDamagedJob,
	-13: ErrFlowRefused,
}

// codeError returns the error that a script's negative result code stands for,
// and nil for the codes that mean success.
func codeError(code int64, operation, id string) error {
	if code >= 0 {
		return nil
	}
	if err, ok := codeErrors[code]; ok {
		return fmt.Errorf("%s job %s: %w", operation, id, err)
	}
	return fmt.Errorf("%s job %s: unknown result code %d", operation, id, code)
}

// ValidationError reports an argument that was refused before anything was
// written. Its message is the one BullMQ gives for the same mistake.
type ValidationError struct {
	// Field names the refused option as it is written in BullMQ's JSON, such as
	// "jobId" or "priority".
	Field string
	// Message says what is wrong with it.
	Message string
}

func (e *ValidationError) Error() string { return e.Message }

func invalid(field, format string, args ...any) error {
	return &ValidationError{Field: field, Message: fmt.Sprintf(format, args...)}
}

// Unrecoverable wraps err so that the job fails at once, whatever attempts it
// has left. It is what BullMQ calls an UnrecoverableError.
func Unrecoverable(err error) error { return &unrecoverableError{err} }

// IsUnrecoverable reports whether err, or an error it wraps, came from [Unrecoverable].
func IsUnrecoverable(err error) bool {
	var u *unrecoverableError
	return errors.As(err, &u)
}

type unrecoverableError struct{ err error }

func (e *unrecoverableError) Error() string { return e.err.Error() }
func (e *unrecoverableError) Unwrap() error { return e.err }

// NamedError is an error with the name and stack of the language it was thrown
// in. A [Worker] writes both into the job's stacktrace.
type NamedError struct {
	// Name is the error's class, such as "TypeError". Defaults to "Error".
	Name string
	// Message becomes the job's failedReason.
	Message string
	// Stack is the complete stack text, first line included; empty leaves
	// "Name: Message" to stand for it.
	Stack string
}

func (e *NamedError) Error() string { return e.Message }

// BulkError reports the jobs of one bulk call that were not added. The others were.
type BulkError struct {
	// Errors has one entry for each job that failed, by its index in the call.
	Errors map[int]error
}

func (e *BulkError) Error() string {
	for i, err := range e.Errors {
		if len(e.Errors) == 1 {
			return fmt.Sprintf("job %d of the bulk: %v", i, err)
		}
		return fmt.Sprintf("%d jobs of the bulk were not added, among them job %d: %v", len(e.Errors), i, err)
	}
	return "bulk add failed"
}

// Unwrap returns the errors of the single jobs.
func (e *BulkError) Unwrap() []error {
	errs := make([]error, 0, len(e.Errors))
	for _, err := range e.Errors {
		errs = append(errs, err)
	}
	return errs
}

// errUnknownOutcome stands in for a job of a bulk whose call was cut off.
var errUnknownOutcome = errors.New("the call ended before the job's result arrived")
