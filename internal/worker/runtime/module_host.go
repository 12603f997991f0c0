package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// moduleHost is a [Host] with one child process at a time, which runs any
// number of jobs at once. It starts with the first of them.
type moduleHost struct {
	command   command
	limits    Limits
	log       *slog.Logger
	source    string
	dir       string // goes with the host
	keepAlive bool   // the process stays without jobs
	// imported is told of local files that the module imports after its load; nil
	// is told nothing.
	imported func(files []string)

	mu       sync.Mutex
	current  *instance     // guarded by mu; nil if none runs
	starting chan struct{} // guarded by mu; closed when the start under way has ended
	crashes  int           // guarded by mu; in a row
	notYet   time.Time     // guarded by mu; no start before
	closed   bool          // guarded by mu
	work     sync.WaitGroup
}

// Run implements [Host].
func (h *moduleHost) Run(ctx handler.Context, name string) (json.RawMessage, error) {
	for {
		inst, err := h.acquire(ctx)
		if open, ok := errors.AsType[*circuitError](err); ok {
			ctx.Log(open.Error())
			return nil, bullmq.DelayJob(open.pause) // it is not the job's fault
		}
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

func (h *moduleHost) runIn(ctx handler.Context, inst *instance, name string) (result json.RawMessage, sent bool, err error) {
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
		return r.Result, true, withHint(h.command.policy, executeError(r.Err))
	case <-ctx.Done():
		result, err = h.cancel(ctx, inst, call)
		return result, true, err
	}
}

// cancel tells a handler to stop and waits for it, up to the grace.
func (h *moduleHost) cancel(ctx context.Context, inst *instance, call *linerpc.Call) (json.RawMessage, error) {
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
func (h *moduleHost) proveSound() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.crashes = 0
}

// Close implements [Host].
func (h *moduleHost) Close() {
	h.mu.Lock()
	h.closed = true
	if h.current != nil {
		h.retireLocked(h.current)
	}
	h.mu.Unlock()
	h.work.Wait()
	removeAll(h.dir, h.log)
}

// start starts a process, which has its module loaded and described when start
// returns.
func (h *moduleHost) start(ctx context.Context) (*instance, *description, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.limits.StartTimeout,
		fmt.Errorf("loading took longer than %s", h.limits.StartTimeout))
	defer cancel()
	inst, err := startInstance(h.command, h.limits.maxLine(), h.log, instanceEvents{h.retire, h.onImported})
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

// onImported passes on which files a running module has imported.
func (h *moduleHost) onImported(files []string) {
	if h.imported != nil && len(files) > 0 {
		h.work.Go(func() { h.imported(files) })
	}
}

// describe starts a process for its description. If it is to stay, it takes the
// jobs to come; else it is ended.
func (h *moduleHost) describe(ctx context.Context, stay bool) (*description, error) {
	inst, described, err := h.start(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range described.Handlers {
		h.keepAlive = h.keepAlive || d.KeepAlive
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.adoptLocked(inst)
	if !stay && !h.keepAlive {
		h.retireLocked(inst)
	}
	return described, nil
}

// warm starts the process before its first job.
func (h *moduleHost) warm(ctx context.Context) error {
	inst, err := h.acquire(ctx)
	if err != nil {
		return err
	}
	h.release(inst)
	return nil
}
