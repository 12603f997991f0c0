package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/jsonvalid"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// Exit codes with a meaning, as sysexits.h has them.
const (
	exitDataError = 65 // the job's data is wrong: no further attempt
	exitTempFail  = 75 // not now: again after tempFailPause, which uses up no attempt
)

const (
	tempFailPause = 10 * time.Second
	// maxStack bounds what is kept of stderr for the error, in bytes.
	maxStack = 8 << 10
	// maxProgramLine bounds a line of a program's output as a log line, in bytes.
	maxProgramLine = 64 << 10
)

// programRun is one run of a program.
type programRun struct {
	ctx    handler.Context
	limits Limits
	dir    string
	proc   *process
	loops  sync.WaitGroup
	output atomic.Int64 // bytes written to stdout and stderr
	// What stdout's and stderr's readers leave, for when both have ended.
	last    []byte // of stdout, cut to the limit of a result
	tooLong bool   // last was cut
	errors  []byte // the end of stderr
}

// talk writes the program's input and reads its output, on goroutines of loops.
func (r *programRun) talk(input []byte) {
	r.loops.Go(func() {
		_, _ = r.proc.stdin.Write(input) // a program need not read it
		_ = r.proc.stdin.Close()
	})
	var readers sync.WaitGroup
	readers.Go(func() {
		eachLongLine(r.counted(r.proc.stdout), r.limits.ResultBytes, r.onStdout)
	})
	readers.Go(func() {
		eachLine(r.counted(r.proc.stderr), maxProgramLine, r.onStderr)
	})
	r.loops.Go(func() {
		readers.Wait()
		close(r.proc.readers)
		<-r.proc.done
		_ = r.proc.stdin.Close() // what was not read by now will not be
	})
}

// counted ends a program that writes too much.
func (r *programRun) counted(stream io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := stream.Read(p)
		if r.output.Add(int64(n)) > r.limits.OutputBytes {
			r.proc.kill()
		}
		return n, err
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

var progressLine = regexp.MustCompile(`^progress (\d{1,15}(?:\.\d{1,15})?)%?\s*$`)

// onStdout takes a line of stdout. Which one is the last is known when the next
// does not come.
func (r *programRun) onStdout(line []byte, cut bool) {
	if m := progressLine.FindSubmatch(line); m != nil {
		if value, err := strconv.ParseFloat(string(m[1]), 64); err == nil {
			r.ctx.Progress(value)
			return
		}
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	r.logLast()
	r.last, r.tooLong = append(r.last[:0], line...), cut
}

// logLast logs the line that has turned out not to be the result.
func (r *programRun) logLast() {
	if len(r.last) > 0 {
		r.ctx.Log(strings.TrimRight(string(r.last[:min(len(r.last), maxProgramLine)]), "\r"))
	}
	r.last, r.tooLong = r.last[:0], false
}

func (r *programRun) onStderr(line string) {
	line = strings.TrimRight(line, "\r\n")
	if strings.TrimSpace(line) == "" {
		return
	}
	r.ctx.Log(line)
	r.errors = append(append(r.errors, line...), '\n')
	if over := len(r.errors) - maxStack; over > 0 {
		r.errors = append(r.errors[:0], r.errors[over:]...)
	}
}

// outcome is what the ended program makes of its job.
func (r *programRun) outcome() (json.RawMessage, error) {
	if r.output.Load() > r.limits.OutputBytes {
		r.logLast()
		return nil, fmt.Errorf("the program was ended because it wrote more than %s to stdout and stderr",
			sandbox.FormatBytes(r.limits.OutputBytes))
	}
	if r.proc.status == nil {
		return r.result()
	}
	r.logLast()
	if cause := context.Cause(r.ctx); cause != nil {
		return nil, cause
	}
	return nil, r.failure()
}

// failure says why the program did not exit with 0.
func (r *programRun) failure() error {
	stack := strings.ToValidUTF8(strings.TrimSpace(string(r.errors)), "\uFFFD")
	lastLine := stack[strings.LastIndexByte(stack, '\n')+1:]
	exit, ok := errors.AsType[*sandbox.ExitError](r.proc.status)
	if !ok || exit.Signal != 0 || exit.OutOfMemory {
		return &CrashError{Reason: exitReason(r.proc.status), LastOutput: lastLine}
	}
	failed := &bullmq.NamedError{Name: "ExitError", Message: fmt.Sprintf("the program exited with code %d", exit.Code)}
	if lastLine != "" {
		failed.Message = fmt.Sprintf("%s (exit code %d)", lastLine, exit.Code)
		failed.Stack = "ExitError: " + failed.Message + "\n" + stack
	}
	switch exit.Code {
	case exitDataError:
		return bullmq.Unrecoverable(failed)
	case exitTempFail:
		r.ctx.Log(fmt.Sprintf("exit code %d: the job is tried again in %s", exitTempFail, tempFailPause))
		return bullmq.DelayJob(tempFailPause)
	}
	return failed
}

// result is what the program has written as its result.
func (r *programRun) result() (json.RawMessage, error) {
	text, err := r.read(resultFile, r.limits.ResultBytes)
	if err != nil {
		r.logLast()
		return nil, err
	}
	if len(text) == 0 {
		text = r.last
		if r.tooLong {
			return nil, r.tooLarge("result")
		}
	} else {
		r.logLast()
	}
	return jsonOrText(text)
}

// saveState keeps what the program has left in the file of the state, if it
// differs from what was there before.
func (r *programRun) saveState(before json.RawMessage) error {
	text, err := r.read(stateFile, handler.MaxStateBytes)
	if err != nil || bytes.Equal(text, before) {
		return err
	}
	state, err := jsonOrText(text)
	if err != nil {
		return err
	}
	return r.ctx.SaveState(state)
}

// read reads a file that the program may have written, and nothing that it may
// have put a link to in its place.
func (r *programRun) read(name string, limit int) ([]byte, error) {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return nil, fmt.Errorf("the job's directory: %w", err)
	}
	defer func() { _ = root.Close() }() // it was only read
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the job's %s is not a regular file", name)
	case info.Size() > int64(limit):
		return nil, r.tooLarge(name)
	}
	return root.ReadFile(name)
}

func (r *programRun) tooLarge(what string) error {
	limit := r.limits.ResultBytes
	if what == stateFile {
		limit = handler.MaxStateBytes
	}
	return fmt.Errorf("the job's %s has more than the %s allowed; store it elsewhere and give where", what, sandbox.FormatBytes(int64(limit)))
}

// jsonOrText takes text as JSON if it is some, and else as it stands.
func jsonOrText(text []byte) (json.RawMessage, error) {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return json.RawMessage("null"), nil
	case jsonvalid.Valid(text):
		return bytes.Clone(text), nil
	default:
		return linerpc.Encode(strings.ToValidUTF8(string(text), "\uFFFD"))
	}
}
