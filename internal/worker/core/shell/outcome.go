package shell

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// dataError is the exit code that says the input is wrong, by the convention of sysexits.
const dataError = 65

// ExitError says that a program's exit code is none of those that complete a job.
type ExitError struct {
	Code int
	// Line is the last that the program printed on its standard error, or else at all.
	Line string
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("the program exited with code %d", e.Code)
	if e.Line != "" {
		text += ": " + e.Line
	}
	return text
}

// outputError says that a program printed without end.
type outputError struct{ limit int64 }

func (e *outputError) Error() string {
	return fmt.Sprintf("the program was ended, for it printed more than the %d bytes allowed", e.limit)
}

// codeOf returns the exit code of a program that exited by itself.
func codeOf(err error) (int, error) {
	if err == nil {
		return 0, nil
	}
	exit, ok := errors.AsType[*sandbox.ExitError](err)
	switch {
	case !ok:
		return 0, err
	case exit.Signal != 0 || exit.OutOfMemory:
		return 0, fmt.Errorf("the program %w", exit)
	default:
		return exit.Code, nil
	}
}

// judge tells whether the exit code completes the job, fails it for good, or
// fails the attempt.
func judge(in Data, code int, line string) error {
	success, final := in.SuccessCodes, in.FinalCodes
	if len(success) == 0 {
		success = []int{0}
	}
	if final == nil {
		final = []int{dataError}
	}
	if slices.Contains(success, code) {
		return nil
	}
	err := &ExitError{Code: code, Line: line}
	if slices.Contains(final, code) {
		return bullmq.Unrecoverable(err)
	}
	return err
}
