// Package cli is the jobrunner command: one file a subcommand, and what they share.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The program's exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	// exitUsage is for commands that tell a job's failure from one of their own:
	// arguments that are wrong, or a handler that does not load.
	exitUsage = 2
	// exitForced is for a second signal: nothing was waited for.
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
}

// OSProcess returns the real process.
func OSProcess() *Process {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return &Process{Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals}
}

// Main runs the command that the arguments name and returns the exit code.
func Main(p *Process) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	done := make(chan error, 1)
	go func() { done <- newRoot(p).ExecuteContext(ctx) }()
	code, err := wait(p.Signals, cancel, done)
	if err != nil {
		_, _ = fmt.Fprintf(p.Stderr, "jobrunner: %v\n", err)
	}
	return code
}

// wait returns when the command has ended or a second signal came. The first
// one asks the command to end.
func wait(signals <-chan os.Signal, cancel func(), done <-chan error) (code int, err error) {
	for asked := false; ; {
		select {
		case err := <-done:
			if own, ok := errors.AsType[*exitError](err); ok {
				return own.code, own.err
			}
			if err != nil {
				return exitFailed, err
			}
			return exitOK, nil
		case <-signals:
			if asked {
				return exitForced, errors.New("stopped by force: running jobs are left to their locks")
			}
			asked = true
			cancel()
		}
	}
}
