package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
	"github.com/jobrunner-dev/jobrunner/internal/worker/codeframe"
)

// CrashError says that the child process ended while a job ran in it.
type CrashError struct {
	// Reason says how it ended, such as "exited with code 3".
	Reason string
	// LastOutput is the last line the process wrote to stderr, if any.
	LastOutput string
}

func (e *CrashError) Error() string {
	text := "the handler's process " + e.Reason + " while the job ran"
	if e.LastOutput != "" {
		text += ": " + e.LastOutput
	}
	return text
}

// StartError says that a handler that has loaded before did not so for a job.
type StartError struct {
	// Reason says why, and where.
	Reason *catalogue.LoadError
}

func (e *StartError) Error() string {
	at := codeframe.Place{File: e.Reason.File, Line: e.Reason.Line, Column: e.Reason.Column}
	return fmt.Sprintf("the handler could not be started: %v (%v)", e.Reason, at)
}

func (e *StartError) Unwrap() error { return e.Reason }

// UnstoppableError says that a handler went on after it was told to stop.
type UnstoppableError struct {
	// Cause is why it was told to stop.
	Cause error
	// Grace is how long it was given to do so.
	Grace time.Duration
}

func (e *UnstoppableError) Error() string {
	return fmt.Sprintf("%v; the handler did not stop within %s and its process is being ended", e.Cause, e.Grace)
}

func (e *UnstoppableError) Unwrap() error { return e.Cause }

// thrownError is the data of an error response to execute.
type thrownError struct {
	Name          string `json:"name"`
	Stack         string `json:"stack"`
	Unrecoverable bool   `json:"unrecoverable"`
	// The rest ask for the job to be put back, without using up an attempt: for
	// that many milliseconds, until its children have ended, at once, or with the
	// queue held up for that many milliseconds.
	DelayMS         *float64 `json:"delay"`
	WaitForChildren bool     `json:"waitForChildren"`
	Release         bool     `json:"release"`
	RateLimitMS     *float64 `json:"rateLimit"`
}

// executeError turns the error of an execute call into one that the engine
// understands. Errors of the connection pass through.
func executeError(err error) error {
	rpc, ok := errors.AsType[*linerpc.Error](err)
	if !ok {
		return err
	}
	var thrown thrownError
	if len(rpc.Data) > 0 {
		// An author may throw anything; what does not decode is left out.
		_ = json.Unmarshal(rpc.Data, &thrown)
	}
	switch {
	case thrown.WaitForChildren:
		return bullmq.WaitForChildren()
	case thrown.Release:
		return bullmq.ReleaseJob()
	case validPause(thrown.DelayMS):
		return bullmq.DelayJob(milliseconds(*thrown.DelayMS))
	case validPause(thrown.RateLimitMS):
		return bullmq.RateLimitJob(milliseconds(*thrown.RateLimitMS))
	}
	named := &bullmq.NamedError{Name: thrown.Name, Message: rpc.Message, Stack: thrown.Stack}
	if thrown.Unrecoverable {
		return bullmq.Unrecoverable(named)
	}
	return named
}

// maxPause is the longest a handler may put a job back for: a hundred years, so
// that what it asks for fits a [time.Duration].
const maxPause = 100 * 365 * 24 * float64(time.Hour/time.Millisecond)

func validPause(ms *float64) bool { return ms != nil && *ms >= 0 && *ms <= maxPause }

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
