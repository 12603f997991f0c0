package runtime

import (
	"context"
	"log/slog"
	"time"
)

// acquire returns the process for a further job, and starts it if need be. It
// waits for a start under way and for the pause after a crash.
func (h *Host) acquire(ctx context.Context) (*instance, error) {
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
func (h *Host) restart(ctx context.Context) error {
	// The process is not this job's alone, so it does not end with it.
	inst, _, err := h.start(context.WithoutCancel(ctx))
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.starting)
	h.starting = nil
	if err != nil {
		h.pauseLocked()
		return err
	}
	h.adoptLocked(inst)
	return nil
}

// adoptLocked makes a started process the current one, and watches over it.
func (h *Host) adoptLocked(inst *instance) {
	h.work.Go(func() {
		<-inst.gone
		h.forget(inst)
	})
	if h.closed {
		h.retireLocked(inst)
		return
	}
	h.current = inst
}

// forget takes note that a process is gone. If it was in service, it has crashed.
func (h *Host) forget(inst *instance) {
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
func (h *Host) pauseLocked() {
	const first = 100 * time.Millisecond
	pause := min(first<<min(h.crashes, 16), h.limits.MaxBackoff)
	h.crashes++
	h.notYet = time.Now().Add(pause)
}

// release gives a job's place in a process back.
func (h *Host) release(inst *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	inst.running--
	h.stopIfIdleLocked(inst)
}

// retire lets a process finish its jobs and end; a new one takes those to come.
func (h *Host) retire(inst *instance, reason string) {
	h.log.Warn("handler process is being replaced", slog.String("reason", reason), slog.Int("pid", inst.proc.pid()))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retireLocked(inst)
}

func (h *Host) retireLocked(inst *instance) {
	if h.current == inst {
		h.current = nil
	}
	if inst.retired {
		return
	}
	inst.retired = true
	h.stopIfIdleLocked(inst)
}

func (h *Host) stopIfIdleLocked(inst *instance) {
	if inst.retired && inst.running == 0 {
		h.work.Go(func() { inst.stop(h.limits.StopGrace) })
	}
}

// abandon gives up a process in which a job would not stop. Alone in it, the
// job ends with the process before abandon returns. Jobs beside it may finish,
// if the process still answers.
func (h *Host) abandon(inst *instance) {
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
