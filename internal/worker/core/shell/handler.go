package shell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/files"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// Data is what a shell job asks for.
type Data struct {
	Command string            `json:"command" jsonschema:"title=Command,description=A program that the worker allows: its name or its whole path,minLength=1,maxLength=4096"`
	Args    []string          `json:"args,omitempty" jsonschema:"title=Arguments,description=Each is passed as it is; nothing in them is taken for a command,maxItems=1000"`
	Cwd     string            `json:"cwd,omitempty" jsonschema:"title=Directory,description=Where the program runs: one of the worker's directories for it or below one; without it the first of them or a temporary one,maxLength=4096"`
	Env     map[string]string `json:"env,omitempty" jsonschema:"title=Environment,description=Variables that the worker lets jobs set"`
	Stdin   string            `json:"stdin,omitempty" jsonschema:"title=Standard input,description=What the program reads"`

	TimeoutMS    int64 `json:"timeoutMs,omitempty" jsonschema:"title=Timeout,description=How long the program may run in milliseconds,minimum=1,maximum=86400000,default=60000"`
	SuccessCodes []int `json:"successCodes,omitempty" jsonschema:"title=Exit codes of success,description=Those that complete the job; without them 0,maxItems=256"`
	FinalCodes   []int `json:"finalCodes,omitempty" jsonschema:"title=Final exit codes,description=Those that fail the job for good whatever attempts are left; without them 65,maxItems=256"`
}

// Result is what the program did.
type Result struct {
	ExitCode int    `json:"exitCode" jsonschema:"title=Exit code"`
	Stdout   string `json:"stdout" jsonschema:"title=Output,description=The beginning of what the program printed"`
	Stderr   string `json:"stderr" jsonschema:"title=Errors,description=The beginning of what it printed on its standard error"`
	// Truncated says that the program printed more; the job's log has more of it.
	Truncated  bool  `json:"truncated" jsonschema:"title=Truncated,description=The program printed more; the job's log has more of it"`
	DurationMS int64 `json:"durationMs" jsonschema:"title=Duration,description=In milliseconds"`
}

// Options are the choices of the handler.
type Options struct {
	// Rules are the programs that jobs may run; see [ParseRules].
	Rules []Rule
	// Dirs are the directories that programs may run in and change.
	Dirs []string
	// Env are variables: NAME lets jobs set it, NAME=VALUE sets it for all.
	Env []string
	// Network lets programs use the network.
	Network bool
	// MaxTimeout bounds what jobs may ask for. Defaults to 1 h.
	MaxTimeout time.Duration
	// KeepBytes is how much of each stream stands in the result. Defaults to 64 KiB.
	KeepBytes int
	// MaxOutputBytes is how much a program may print in all before it is ended.
	// Defaults to 64 MiB.
	MaxOutputBytes int64
	// Grace is how long a program that is to end may take before it is killed.
	// Defaults to 5 s.
	Grace time.Duration
}

const (
	defaultTimeout = time.Minute
	// dataError is the exit code that says the input is wrong, by the convention of sysexits.
	dataError = 65
	// maxArgs bounds arguments and variables together, maxStdin the standard input, in bytes.
	maxArgs, maxStdin = 96 << 10, 1 << 20
)

type runner struct{ opts Options }

// New returns the handler.
func New(opts Options) (*handler.Definition, error) {
	opts.MaxTimeout = cmp.Or(opts.MaxTimeout, time.Hour)
	opts.KeepBytes = cmp.Or(opts.KeepBytes, 64<<10)
	opts.MaxOutputBytes = cmp.Or(opts.MaxOutputBytes, 64<<20)
	opts.Grace = cmp.Or(opts.Grace, 5*time.Second)
	r := &runner{opts}
	return handler.New("shell", r.run, &handler.Options{
		Version: "1.0.0", Author: "JobRunner",
		Description: "Runs a program that the worker allows, and returns what it printed",
		Defaults:    handler.Defaults{Attempts: 1},
	})
}

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

func (r *runner) run(ctx handler.Context, in Data) (*Result, error) {
	cmd, err := r.command(in)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	timeout := defaultTimeout
	if in.TimeoutMS > 0 {
		timeout = time.Duration(in.TimeoutMS) * time.Millisecond
	}
	timeout = min(timeout, r.opts.MaxTimeout)
	bounded, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the program was ended, for it ran longer than %s", timeout))
	defer cancel()
	bounded, end := context.WithCancelCause(bounded)
	defer end(nil)

	var budget atomic.Int64
	budget.Store(r.opts.MaxOutputBytes)
	stream := func() *output {
		return &output{
			log: ctx.Log, keep: r.opts.KeepBytes, budget: &budget,
			over: func() { end(bullmq.Unrecoverable(&outputError{r.opts.MaxOutputBytes})) },
		}
	}
	stdout, stderr := stream(), stream()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	ctx.Logf("running %s with %d arguments", in.Command, len(in.Args))
	began := time.Now()
	err = r.wait(bounded, cmd)
	stdout.end()
	stderr.end()
	if bounded.Err() != nil {
		return nil, context.Cause(bounded)
	}
	code, err := codeOf(err)
	if err != nil {
		return nil, err
	}
	if err := judge(in, code, cmp.Or(stderr.last, stdout.last)); err != nil {
		return nil, err
	}
	return &Result{
		ExitCode: code, Stdout: stdout.text(), Stderr: stderr.text(), Truncated: stdout.truncated || stderr.truncated,
		DurationMS: time.Since(began).Milliseconds(),
	}, nil
}

// command checks what the job asks for.
func (r *runner) command(in Data) (*sandbox.Cmd, error) {
	path, err := program(r.opts.Rules, in.Command, in.Args)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, arg := range in.Args {
		size += len(arg)
		if strings.ContainsRune(arg, 0) {
			return nil, errors.New("args: an argument has a NUL character")
		}
	}
	for name, value := range in.Env {
		size += len(name) + len(value)
	}
	if size > maxArgs {
		return nil, fmt.Errorf("args and env have %d bytes, more than the %d allowed; pass what is long as stdin", size, maxArgs)
	}
	if len(in.Stdin) > maxStdin {
		return nil, fmt.Errorf("stdin has %d bytes, more than the %d allowed", len(in.Stdin), maxStdin)
	}
	cmd := &sandbox.Cmd{Path: path, Args: in.Args, Name: filepath.Base(path), Stdin: strings.NewReader(in.Stdin), Policy: r.policy()}
	if cmd.Env, err = r.environment(in.Env); err != nil {
		return nil, err
	}
	if in.Cwd != "" || len(r.opts.Dirs) > 0 {
		if cmd.Dir, err = files.DirBelow(r.opts.Dirs, in.Cwd); err != nil {
			return nil, fmt.Errorf("cwd: %w", err)
		}
	}
	return cmd, nil
}

// policy is that of an operator's handlers, less all files and the network.
func (r *runner) policy() sandbox.Policy {
	p := sandbox.Default()
	p.AllFiles, p.Network = false, r.opts.Network
	return p.WithWrite(r.opts.Dirs...)
}

// wait runs the program to its end, or ends it with the context: politely first.
func (r *runner) wait(ctx context.Context, cmd *sandbox.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-ended:
			return
		case <-ctx.Done():
			cmd.Terminate()
		}
		timer := time.NewTimer(r.opts.Grace)
		defer timer.Stop()
		select {
		case <-ended:
		case <-timer.C:
			cmd.Kill()
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-stopped
	return err
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
