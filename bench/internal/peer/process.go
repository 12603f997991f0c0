package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// Process is the host of an engine, as seen by the benchmark.
type Process struct {
	peer    *Peer
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *bufio.Reader
}

// Start starts a host and waits until it is ready.
func Start(ctx context.Context, p *Peer, addresses Addresses) (*Process, error) {
	command, err := p.command(addresses)
	if err != nil {
		return nil, err
	}
	h := &Process{peer: p}
	h.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	h.cmd.Stderr = os.Stderr
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.answers = bufio.NewReader(stdout)
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	if _, err := h.answer(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// PID is the process's id.
func (h *Process) PID() int { return h.cmd.Process.Pid }

// CPU is the time that the process has used.
func (h *Process) CPU() time.Duration { return server.ProcessCPU(h.PID()) }

// closeTimeout is how long a process may take to end by itself. One that waits
// for a job that was lost would take much longer.
const closeTimeout = 10 * time.Second

// Close ends the process.
func (h *Process) Close() error {
	err := h.stdin.Close()
	kill := time.AfterFunc(closeTimeout, func() { _ = h.cmd.Process.Kill() })
	defer kill.Stop()
	return errors.Join(err, h.cmd.Wait())
}

// Add adds jobs one by one from several producers at once.
func (h *Process) Add(b Batch, producers int) error {
	_, err := h.call(request{Command: commandAdd, Batch: b, Producers: producers})
	return err
}

// AddBulk adds jobs in calls of size each.
func (h *Process) AddBulk(b Batch, size int) error {
	_, err := h.call(request{Command: commandAddBulk, Batch: b, Bulk: size})
	return err
}

// Arrive adds the job of an index that is due now, and does not wait for it.
func (h *Process) Arrive(index int, due time.Time) error {
	_, err := fmt.Fprintf(h.stdin, "%d %d\n", index, due.UnixMicro())
	return err
}

// Settle waits until every arrival has been added.
func (h *Process) Settle() error {
	_, err := h.call(request{Command: commandSettle})
	return err
}

// Work starts a worker for the jobs of the indexes below jobs, whose handler
// takes hold for each.
func (h *Process) Work(jobs int, hold time.Duration, opts WorkOptions) error {
	_, err := h.call(request{
		Command: commandWork, Batch: Batch{Jobs: jobs}, Concurrency: opts.Concurrency, Hold: hold, Limit: opts.Limit, Echo: opts.Echo,
	})
	return err
}

// Await waits until the worker has handled that many jobs.
func (h *Process) Await(handled int) error {
	_, err := h.call(request{Command: commandAwait, Handled: handled})
	return err
}

// Stop ends the worker.
func (h *Process) Stop() (Delivery, error) {
	var d Delivery
	text, err := h.call(request{Command: commandStop})
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(text, &d)
}

// Profile writes a CPU profile of a host in Go to file until it is called
// again; an empty name just ends the one before.
func (h *Process) Profile(file string) error {
	if h.peer.open == nil {
		return nil
	}
	_, err := h.call(request{Command: commandProfile, File: file})
	return err
}

func (h *Process) call(req request) (json.RawMessage, error) {
	line, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	if _, err := h.stdin.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("%s: %w", h.peer.Name, err)
	}
	return h.answer()
}

func (h *Process) answer() (json.RawMessage, error) {
	line, err := h.answers.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("%s has ended: %w", h.peer.Name, err)
	}
	var r response
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("%s: unexpected line %q", h.peer.Name, line)
	}
	if r.Error != "" {
		return nil, fmt.Errorf("%s: %s", h.peer.Name, r.Error)
	}
	return r.Result, nil
}
