// Package worker runs JobRunner's worker as its users do: the program, with
// handlers in a directory, as a process of its own.
package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// Program is the program, built from this tree.
type Program struct {
	path string
	dir  string
}

// Build builds the program into a temporary directory.
func Build(ctx context.Context) (*Program, error) {
	dir, err := os.MkdirTemp("", "jobrunner-bench-")
	if err != nil {
		return nil, err
	}
	p := &Program{path: filepath.Join(dir, "jobrunner"), dir: dir}
	out, err := exec.CommandContext(ctx, "go", "build", "-C", "..", "-o", p.path, "./cmd/jobrunner").CombinedOutput()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("build the program: %w\n%s", err, out), p.Close())
	}
	return p, nil
}

// Close removes the program, and what its workers have cached.
func (p *Program) Close() error { return os.RemoveAll(p.dir) }

// Options say what a worker is to do.
type Options struct {
	// Redis is the address of the server.
	Redis string
	// Queue is the queue's name, Concurrency how many of its jobs run at once.
	Queue       string
	Concurrency int
	// Handlers is the directory of handlers.
	Handlers string
}

// Process is a worker that runs.
type Process struct {
	cmd     *exec.Cmd
	log     *logWatch
	readers sync.WaitGroup
}

// startTimeout is how long a worker may take to load its handlers.
const startTimeout = 2 * time.Minute

// Start starts a worker and waits until it has loaded its handlers.
func (p *Program) Start(ctx context.Context, o Options) (*Process, error) {
	w := &Process{log: newLogWatch("worker started")}
	w.cmd = exec.CommandContext(ctx, p.path, "worker", "--redis", "redis://"+o.Redis,
		"--queue", fmt.Sprintf("%s=%d", o.Queue, o.Concurrency), "--handlers", o.Handlers,
		"--cache-dir", filepath.Join(p.dir, "cache"))
	output, err := w.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	w.cmd.Stdout = io.Discard
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	w.readers.Go(func() { w.log.read(output) })
	select {
	case <-w.log.seen:
		return w, nil
	case <-w.log.ended:
		err = errors.New("the worker ended")
	case <-time.After(startTimeout):
		err = errors.New("the worker did not start in time")
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(fmt.Errorf("%w; it said:\n%s", err, w.log.tail()), w.Stop())
}

// CPU is the time that the worker and its handlers' processes have used.
func (w *Process) CPU() time.Duration { return server.TreeCPU(w.cmd.Process.Pid) }

// Memory is what the worker itself holds, in bytes; Children counts its
// handlers' processes.
func (w *Process) Memory() int64 { return server.Memory(w.cmd.Process.Pid) }

// Children counts the processes that the worker has started and that still run.
func (w *Process) Children() int { return len(server.Descendants(w.cmd.Process.Pid)) }

// Stop ends the worker as its supervisor would.
func (w *Process) Stop() error {
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(30*time.Second, func() { _ = w.cmd.Process.Kill() })
	defer kill.Stop()
	w.readers.Wait()
	err := w.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return fmt.Errorf("the worker failed: %w; it said:\n%s", err, w.log.tail())
	}
	return nil
}

// logWatch reads a log, keeps its end, and tells when a text was seen.
type logWatch struct {
	text  string
	seen  chan struct{}
	ended chan struct{}

	mu   sync.Mutex
	last []byte // guarded by mu
}

func newLogWatch(text string) *logWatch {
	return &logWatch{text: text, seen: make(chan struct{}), ended: make(chan struct{})}
}

// keep is how much of a log is shown with an error, in bytes.
const keep = 16 << 10

func (l *logWatch) read(r io.Reader) {
	defer close(l.ended)
	found := false
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Read(buffer)
		l.mu.Lock()
		l.last = append(l.last, buffer[:n]...)
		if !found && bytes.Contains(l.last, []byte(l.text)) {
			found = true
			close(l.seen)
		}
		l.last = l.last[max(0, len(l.last)-keep):]
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (l *logWatch) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.last))
}
