package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// circuitCrashes is how many crashes in a row open the circuit: jobs then go back
// for the pause, and do not wait for it in the places of others.
const circuitCrashes = 5

// circuitError says that a process has crashed too often to be waited for.
type circuitError struct {
	crashes int
	pause   time.Duration
}

func (e *circuitError) Error() string {
	return fmt.Sprintf("the handler's process has crashed %d times in a row; the job is tried again in %s",
		e.crashes, e.pause.Round(time.Millisecond))
}

// acquire returns the process for a further job, and starts it if need be. It
// waits for a start under way and for the pause after a crash, unless there were
// so many of them that the error is a [*circuitError].
func (h *moduleHost) acquire(ctx context.Context) (*instance, error) {
	for {
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			return nil, errClosed
		}
		if inst := h.current; inst != nil {
			inst.running++
			h.mu.Unlock()
			return inst, nil
		}
		started, pause := h.starting, time.Until(h.notYet)
		if started == nil && pause > 0 && h.crashes >= circuitCrashes {
			open := &circuitError{crashes: h.crashes, pause: pause}
			h.mu.Unlock()
			return nil, open
		}
		if started == nil && pause <= 0 {
			h.starting = make(chan struct{})
			h.mu.Unlock()
			if err := h.restart(ctx); err != nil {
				return nil, err
			}
			continue
		}
		h.mu.Unlock()
		if err := waitFor(ctx, started, pause); err != nil {
			return nil, err
		}
	}
}

// waitFor waits for a channel to close or, if there is none, for a time.
func waitFor(ctx context.Context, closed <-chan struct{}, pause time.Duration) error {
	var expired <-chan time.Time
	if closed == nil {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-closed:
	case <-expired:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// restart starts a process as the current one. h.starting is set.
func (h *moduleHost) restart(ctx context.Context) error {
	// The process is not this job's alone, so it does not end with it.
	inst, _, err := h.start(context.WithoutCancel(ctx))
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.starting)
	h.starting = nil
	if err != nil {
		h.pauseLocked()
		failed, _ := loadError(err, h.source)
		return &StartError{Reason: failed}
	}
	h.adoptLocked(inst)
	return nil
}

// adoptLocked makes a started process the current one, and watches over it.
func (h *moduleHost) adoptLocked(inst *instance) {
	h.work.Go(func() { h.watch(inst) })
	if h.closed {
		h.retireLocked(inst)
		return
	}
	h.current = inst
}

// watch ends a process that has been idle for long, and notes when it is gone.
func (h *moduleHost) watch(inst *instance) {
	defer h.forget(inst)
	if h.keepAlive {
		<-inst.gone
		return
	}
	timer := time.NewTimer(h.limits.IdleTimeout)
	defer timer.Stop()
	for {
		select {
		case <-inst.gone:
			return
		case <-timer.C:
			timer.Reset(h.endIfIdle(inst))
		}
	}
}

// endIfIdle ends a process that has had no job for the idle time, or tells when
// to look again.
func (h *moduleHost) endIfIdle(inst *instance) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if inst.running > 0 {
		return h.limits.IdleTimeout
	}
	if left := h.limits.IdleTimeout - time.Since(inst.idleSince); left > 0 {
		return left
	}
	h.retireLocked(inst)
	return h.limits.IdleTimeout
}

// forget takes note that a process is gone. If it was in service, it has crashed.
func (h *moduleHost) forget(inst *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current != inst {
		return
	}
	h.current = nil
	h.pauseLocked()
	h.log.Warn("handler process ended", slog.Any("error", inst.crash()),
		slog.Duration("restart_after", time.Until(h.notYet)))
}

// pauseLocked puts the next start off, for longer with every crash in a row.
func (h *moduleHost) pauseLocked() {
	const first = 100 * time.Millisecond
	pause := min(first<<min(h.crashes, 16), h.limits.MaxBackoff)
	h.crashes++
	h.notYet = time.Now().Add(pause)
}

// release gives a job's place in a process back.
func (h *moduleHost) release(inst *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if inst.running--; inst.running == 0 {
		inst.idleSince = time.Now()
	}
	h.stopIfIdleLocked(inst)
}

// retire lets a process finish its jobs and end; a new one takes those to come.
func (h *moduleHost) retire(inst *instance, reason string) {
	inst.log.Warn("handler process is being replaced", slog.String("reason", reason))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retireLocked(inst)
}

func (h *moduleHost) retireLocked(inst *instance) {
	if h.current == inst {
		h.current = nil
	}
	if inst.retired {
		return
	}
	inst.retired = true
	h.stopIfIdleLocked(inst)
}

func (h *moduleHost) stopIfIdleLocked(inst *instance) {
	if inst.retired && inst.running == 0 {
		h.work.Go(func() { inst.stop(h.limits.StopGrace) })
	}
}

// abandon gives up a process in which a job would not stop. Alone in it, the
// job ends with the process before abandon returns. Jobs beside it may finish,
// if the process still answers.
func (h *moduleHost) abandon(inst *instance) {
	const reason = "was ended because another of its jobs did not stop when told to"
	h.retire(inst, "a job did not stop when told to")
	h.mu.Lock()
	alone := inst.running == 1
	h.mu.Unlock()
	if alone {
		inst.end(reason)
		<-inst.gone
		return
	}
	h.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_, err := inst.peer.Ask(ctx, "ping", struct{}{})
		cancel()
		if err == nil {
			select {
			case <-inst.gone: // its other jobs have finished
				return
			case <-time.After(h.limits.DrainTimeout):
			}
		}
		inst.end(reason)
		<-inst.gone
	})
}
