package waiting

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// queueReason is what keeps all jobs of the queue until somebody does something.
func (f *facts) queueReason() *Reason {
	queue := f.job.Queue.Name
	switch {
	case f.meta.Paused:
		return &Reason{Kind: QueuePaused, Detail: "The queue is paused. Resume it, and its jobs run."}
	case f.force.WorkersOf(queue) == 0 && !f.force.Blind:
		return &Reason{Kind: NoWorker, Detail: fmt.Sprintf("No worker serves the queue. Start one with: jobrunner worker --queue %s", queue)}
	case f.ownOnly() && !slices.ContainsFunc(f.workers(), func(w *catalogue.Worker) bool { return !w.Paused && !w.Stopping }):
		return &Reason{Kind: WorkersPaused, Detail: "All workers of the queue are paused or about to stop. Resume one, or start another."}
	}
	return nil
}

// handlerReason is what keeps the jobs of this name. Other programs' workers may
// know the name, so nothing is said of queues that they serve.
func (f *facts) handlerReason() *Reason {
	if !f.ownOnly() {
		return nil
	}
	name := f.job.Name
	var disabled, elsewhere, broken []string
	for _, w := range f.workers() {
		h, has := w.Handler(name)
		q, _ := w.Queue(f.job.Queue.Name)
		switch {
		case has && !q.Allows(name):
			elsewhere = append(elsewhere, called(w))
		case has && h.Disabled:
			disabled = append(disabled, called(w))
		case has:
			return nil
		default:
			broken = append(broken, failures(w, name)...)
		}
	}
	switch {
	case len(disabled) > 0:
		return &Reason{Kind: HandlerDisabled, Detail: fmt.Sprintf("The handler %q is disabled in the configuration of %s.", name, listed(disabled))}
	case len(elsewhere) > 0:
		return &Reason{Kind: HandlerNotAllowed, Detail: fmt.Sprintf("The handler %q is not among those that %s runs on this queue.", name, listed(elsewhere))}
	case len(broken) > 0:
		return &Reason{Kind: NoHandler, Detail: fmt.Sprintf("The handler %q could not be loaded: %s", name, broken[0])}
	default:
		return &Reason{Kind: NoHandler, Detail: fmt.Sprintf("No worker of the queue has a handler %q. The job runs as soon as one is there.", name)}
	}
}

// failures are why the worker could not load handlers of that name.
func failures(w *catalogue.Worker, name string) []string {
	var list []string
	for _, h := range w.Handlers {
		if h.Name == name && !h.InService() && h.Error != nil {
			list = append(list, h.Error.Message)
		}
	}
	return list
}

// busyReason is what will pass by itself.
func (f *facts) busyReason() *Reason {
	switch {
	case f.limited > 0:
		return &Reason{
			Kind: RateLimited, Until: f.now.Add(f.limited),
			Detail: "The queue has started as many jobs as its rate limit allows; the next ones follow when the time is over.",
		}
	case f.meta.Concurrency > 0 && f.active >= int64(f.meta.Concurrency):
		return &Reason{Kind: QueueBusy, Detail: fmt.Sprintf("The queue runs %s, as many as it may over all workers.", jobs(f.active))}
	case f.handlerIsBusy():
		return &Reason{Kind: HandlerBusy, Detail: fmt.Sprintf("The handler %q runs as many jobs as it may on every worker that has it.", f.job.Name)}
	case f.workersAreBusy():
		return &Reason{Kind: WorkersBusy, Detail: "The workers of the queue run as many of its jobs as they may. More workers, or more concurrency, would help."}
	}
	return nil
}

// handlerIsBusy tells whether all workers that have the handler run as many of
// its jobs as they may.
func (f *facts) handlerIsBusy() bool {
	busy := false
	for _, w := range f.workers() {
		if _, runs := w.Runs(f.job.Queue.Name, f.job.Name); !runs {
			continue
		}
		load := w.LoadOf(f.job.Name)
		if !load.Busy() {
			return false
		}
		busy = true
	}
	return busy
}

func (f *facts) workersAreBusy() bool {
	if !f.ownOnly() {
		return false
	}
	return !slices.ContainsFunc(f.workers(), func(w *catalogue.Worker) bool {
		q, _ := w.Queue(f.job.Queue.Name)
		return q.Running < q.Concurrency
	})
}

// workers are JobRunner's own that serve the queue.
func (f *facts) workers() []*catalogue.Worker {
	var list []*catalogue.Worker
	for i := range f.force.Workers {
		if w := &f.force.Workers[i]; w.Serves(f.job.Queue.Name) {
			list = append(list, w)
		}
	}
	return list
}

// ownOnly tells whether the queue is known to be served by JobRunner's workers alone.
func (f *facts) ownOnly() bool {
	return len(f.workers()) > 0 && f.force.Foreign(f.job.Queue.Name) == 0 && !f.force.Blind
}

func called(w *catalogue.Worker) string {
	if w.Name != "" {
		return w.Name
	}
	return fmt.Sprintf("%s:%d", w.Host, w.PID)
}

func listed(names []string) string {
	slices.Sort(names)
	names = slices.Compact(names)
	const shown = 3
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return strings.Join(names, ", ")
}
