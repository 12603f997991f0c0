// Package cli is the jobrunner command: one file a subcommand, and what they share.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// The program's exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	// exitUsage is for commands that tell a job's failure from one of their own:
	// arguments that are wrong, or a handler that does not load.
	exitUsage = 2
	// exitForced is for a second signal: jobs were cut off.
	exitForced = 130
)

// Process is what a command knows of the process it runs in, so that a test can
// run it with streams, variables and signals of its own.
type Process struct {
	// Args are the arguments after the program's name.
	Args []string
	// Env is the environment as [os.Environ] returns it.
	Env []string
	// Stdin is where a command reads what it was told to read from it.
	Stdin io.Reader
	// Stdout takes what a person or program asked for, Stderr the log.
	Stdout, Stderr io.Writer
	// Signals asks the command to stop: at the first, in order; at the second, at once.
	Signals <-chan os.Signal
	// Reload asks it to load its configuration again. Nil never does.
	Reload <-chan os.Signal

	mu    sync.Mutex
	force func() // guarded by mu; hurries a command that ends, nil if it cannot
}

// forceTimeout is how long a command that was forced may take to let go of its jobs.
const forceTimeout = 10 * time.Second

// onForce has f called at the second signal, until the returned function is.
func (p *Process) onForce(f func()) (done func()) {
	set := func(f func()) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.force = f
	}
	set(f)
	return func() { set(nil) }
}

// forced hurries the command, and reports whether it can.
func (p *Process) forced() bool {
	p.mu.Lock()
	f := p.force
	p.mu.Unlock()
	if f != nil {
		f()
	}
	return f != nil
}

// OSProcess returns the real process.
func OSProcess() *Process {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	return &Process{
		Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Signals: signals, Reload: reload,
	}
}

// Main runs the command that the arguments name and returns the exit code.
func Main(p *Process) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	done := make(chan error, 1)
	go func() { done <- newRoot(p).ExecuteContext(ctx) }()
	code, err := p.wait(cancel, done)
	if err != nil {
		_, _ = fmt.Fprintf(p.Stderr, "jobrunner: %v\n", err)
	}
	return code
}

// wait returns when the command has ended. The first signal asks it to; after
// the second it has a moment to give its jobs back, unless a third comes.
func (p *Process) wait(cancel func(), done <-chan error) (code int, err error) {
	var late <-chan time.Time
	for asked := 0; ; {
		select {
		case err := <-done:
			return exitCode(err, asked > 1)
		case <-late:
			return exitForced, errors.New("stopped by force: jobs that did not end are left to their locks")
		case <-p.Signals:
			asked++
			switch {
			case asked == 1:
				cancel()
			case asked == 2 && p.forced():
				late = time.After(forceTimeout)
			default:
				return exitForced, errors.New("stopped by force: running jobs are left to their locks")
			}
		}
	}
}

// exitCode is that of a command which has ended.
func exitCode(err error, forced bool) (int, error) {
	own, ok := errors.AsType[*exitError](err)
	switch {
	case ok:
		return own.code, own.err
	case err != nil:
		return exitFailed, err
	case forced:
		return exitForced, errors.New("stopped by force: jobs that were running went back to wait")
	default:
		return exitOK, nil
	}
}
