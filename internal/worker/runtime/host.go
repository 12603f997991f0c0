package runtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// Limits bound what a child may do; the zero value is fine.
type Limits struct {
	// ResultBytes is the size of one job's result as JSON. Defaults to 5 MiB.
	ResultBytes int
	// StartTimeout is how long a module may take to load. Defaults to 30 s.
	StartTimeout time.Duration
	// CancelGrace is how long a handler may take to stop when it is told to.
	// Defaults to 5 s.
	CancelGrace time.Duration
	// DrainTimeout is how long the other jobs of a process may go on when one of
	// them would not stop. Defaults to 30 s.
	DrainTimeout time.Duration
	// StopGrace is how long a process without jobs may take to end after the end
	// of its stdin, and again after SIGTERM. Defaults to 2 s.
	StopGrace time.Duration
	// MaxBackoff bounds the pause before a crashed process is started again,
	// which doubles from 100 ms with every crash in a row. Defaults to 10 s.
	MaxBackoff time.Duration
}

func (l Limits) withDefaults() Limits {
	l.ResultBytes = cmp.Or(l.ResultBytes, 5<<20)
	l.StartTimeout = cmp.Or(l.StartTimeout, 30*time.Second)
	l.CancelGrace = cmp.Or(l.CancelGrace, 5*time.Second)
	l.DrainTimeout = cmp.Or(l.DrainTimeout, 30*time.Second)
	l.StopGrace = cmp.Or(l.StopGrace, 2*time.Second)
	l.MaxBackoff = cmp.Or(l.MaxBackoff, 10*time.Second)
	return l
}

// maxLine bounds a protocol line: a result or a state with what surrounds it, or
// jobs to add, a log line or a stack trace of some size.
func (l Limits) maxLine() int { return max(l.ResultBytes, handler.MaxStateBytes) + 1<<20 }

// errClosed says that the version was asked to run a job after it was closed.
var errClosed = errors.New("the handler's version is closed")

// Host runs the handlers of one module version in one child process at a time.
// It is safe for concurrent use.
type Host struct {
	command command
	limits  Limits
	log     *slog.Logger
	cleanup []string // directories that go with the host

	mu       sync.Mutex
	current  *instance     // guarded by mu; nil if none runs
	starting chan struct{} // guarded by mu; closed when the start under way has ended
	crashes  int           // guarded by mu; in a row
	notYet   time.Time     // guarded by mu; no start before
	closed   bool          // guarded by mu
	work     sync.WaitGroup
}

// Run runs one attempt of ctx.Job() with the module's handler of that name.
//
// When ctx ends the handler is told to stop; if it does not within the grace,
// its process is given up and the error is an [*UnstoppableError]. If the
// process ends, the error is a [*CrashError].
func (h *Host) Run(ctx handler.Context, name string) (json.RawMessage, error) {
	for {
		inst, err := h.acquire(ctx)
		if err != nil {
			return nil, err
		}
		result, sent, err := h.runIn(ctx, inst, name)
		if sent {
			return result, err
		}
		// The process had ended before it got the job: a new one takes it.
	}
}

func (h *Host) runIn(ctx handler.Context, inst *instance, name string) (result json.RawMessage, sent bool, err error) {
	defer h.release(inst)
	call, err := inst.execute(ctx, name)
	if err != nil {
		return nil, true, err
	}
	if call.ID == 0 {
		<-inst.gone
		h.forget(inst)
		return nil, false, nil
	}
	select {
	case r := <-call.Done:
		if r.Err == nil {
			h.proveSound()
		}
		return r.Result, true, executeError(r.Err)
	case <-ctx.Done():
		result, err = h.cancel(ctx, inst, call)
		return result, true, err
	}
}

// cancel tells a handler to stop and waits for it, up to the grace.
func (h *Host) cancel(ctx context.Context, inst *instance, call *linerpc.Call) (json.RawMessage, error) {
	cause := context.Cause(ctx)
	inst.peer.Notify("cancel", cancelParams{Call: call.ID, Reason: cause.Error()})
	grace := time.NewTimer(h.limits.CancelGrace)
	defer grace.Stop()
	select {
	case r := <-call.Done:
		if _, crashed := errors.AsType[*CrashError](r.Err); r.Err == nil || crashed {
			return r.Result, r.Err
		}
		return nil, cause // however the handler words it
	case <-grace.C:
		inst.peer.Forget(call)
		h.abandon(inst) //nolint:contextcheck // what follows for the process is no part of this job
		return nil, &UnstoppableError{Cause: cause, Grace: h.limits.CancelGrace}
	}
}

// proveSound ends a row of crashes: the process has finished a job.
func (h *Host) proveSound() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.crashes = 0
}

// Close ends the child process and waits for it. The caller sees to it that no
// job runs any more.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	if h.current != nil {
		h.retireLocked(h.current)
	}
	h.mu.Unlock()
	h.work.Wait()
	for _, dir := range h.cleanup {
		if err := os.RemoveAll(dir); err != nil {
			h.log.Warn("handler's directory could not be removed", slog.Any("error", err))
		}
	}
}

// start starts a process, which has its module loaded and described when start
// returns.
func (h *Host) start(ctx context.Context) (*instance, *description, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.limits.StartTimeout,
		fmt.Errorf("loading took longer than %s", h.limits.StartTimeout))
	defer cancel()
	inst, err := startInstance(h.command, h.limits.maxLine(), h.log, h.retire)
	if err != nil {
		return nil, nil, err
	}
	result, err := inst.initialize(ctx, initializeParams{protocolVersion, h.limits.ResultBytes})
	if err != nil {
		inst.end("could not load the module")
		<-inst.gone
		return nil, nil, err
	}
	return inst, result, nil
}
