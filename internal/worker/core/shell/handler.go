package shell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/files"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

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
