package bullmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

const (
	// Two calls in flight keep the store busy while the results of one are dealt
	// with; a third gains nothing.
	maxCallsInFlight = 2
	// A call reports and fetches at most this many jobs, which keeps the store
	// from being held for more than a few milliseconds.
	maxBatch = 200
	// maxWait bounds a wait for the next delayed job, as BullMQ does.
	maxWait = 10 * time.Second
	// maxRateLimitDelay bounds a wait for the rate limit, as BullMQ does.
	maxRateLimitDelay = 30 * time.Second
	// abandonAfter is how long the results of cancelled jobs may take to be
	// reported before Run gives up.
	abandonAfter = 5 * time.Second
)

var errShutdown = errors.New("worker is shutting down")

// workLoop is one run of a worker. A single goroutine owns the fields below and
// decides what to call; jobs, calls, and the wait for work run beside it and
// answer through channels. What finished while calls were in flight goes out
// with the next call, which also asks for as many new jobs: a busy queue is
// batched, a lone job is reported at once.
type workLoop struct {
	w   *Worker
	log *slog.Logger

	background   sync.WaitGroup
	jobContext   context.Context
	cancelJobs   context.CancelCauseFunc
	callContext  context.Context
	finished     chan finishedJob
	tasks        chan task // to goroutines that have run a job and are free
	replies      chan callReply
	woken        chan wakeUp
	pending      []finishedJob
	active       int // jobs that run, or whose result is not on its way yet
	reserved     int // slots that calls in flight may fill
	calls        int
	idle         bool // the last fetch found nothing more
	drained      bool // the hook has been told so
	waiting      bool // a wait is under way and holds a slot
	endWait      context.CancelFunc
	stopping     bool
	nextDelayed  time.Time
	blockedUntil time.Time // no fetch before, for a rate limit or a lost connection
	failures     int
}

type finishedJob struct {
	job     *Job
	outcome Outcome
	err     error
}

type callReply struct {
	sent  []finishedJob
	want  int
	token string
	reply *WorkReply
	err   error
}

type wakeUp struct {
	nextDelayed time.Time
	err         error
}

func newWorkLoop(w *Worker) *workLoop {
	return &workLoop{
		w: w, log: w.opts.Logger.With(slog.String("queue", w.ref.Name)),
		finished: make(chan finishedJob, w.opts.Concurrency),
		tasks:    make(chan task),
		replies:  make(chan callReply, maxCallsInFlight),
		woken:    make(chan wakeUp, 1),
	}
}

func (l *workLoop) run(ctx context.Context) error {
	detached := context.WithoutCancel(ctx)
	callContext, cancelCalls := context.WithCancel(detached)
	defer cancelCalls()
	l.callContext = callContext
	l.jobContext, l.cancelJobs = context.WithCancelCause(detached)
	defer l.cancelJobs(nil)

	waiter := l.w.backend.NewWaiter(l.w.ref, l.w.opts.Name)
	upkeep, stopUpkeep := context.WithCancel(detached)
	l.background.Go(func() { l.renewLocks(upkeep) })
	l.background.Go(func() { l.recoverStalled(upkeep) })
	defer l.background.Wait()
	defer stopUpkeep()
	defer waiter.Close()
	if err := waiter.Open(ctx); err != nil && ctx.Err() == nil {
		l.w.reportError(ctx, err) // The first wait tries again.
	}

	err := l.loop(ctx, waiter)
	close(l.tasks)
	// Calls that were given up end here; the jobs have been told to.
	cancelCalls()
	return err
}

func (l *workLoop) loop(ctx context.Context, waiter Waiter) error {
	stop := ctx.Done()
	var force, abandon <-chan time.Time
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		l.dispatch(ctx, waiter)
		l.w.quiet.set(l.active == 0 && l.calls == 0 && len(l.pending) == 0)
		if l.stopping && l.active == 0 && l.calls == 0 && len(l.pending) == 0 {
			return nil
		}
		if d := time.Until(l.blockedUntil); d > 0 {
			timer.Reset(d)
		} else {
			timer.Stop()
		}
		select {
		case f := <-l.finished:
			l.collect(f)
		case r := <-l.replies:
			l.handle(ctx, r)
		case wake := <-l.woken:
			l.wake(ctx, wake)
		case <-timer.C:
		case <-l.w.changed:
			if l.waiting && l.w.IsPaused() {
				l.endWait()
			}
		case <-stop:
			stop, l.stopping = nil, true
			waiter.Close()
			if t := l.w.opts.ShutdownTimeout; t >= 0 {
				force = time.After(t)
			}
		case <-force:
			l.cancelJobs(errShutdown)
			abandon = time.After(abandonAfter)
		case <-abandon:
			return fmt.Errorf("worker of queue %s: %d jobs did not stop in time; they will be recovered as stalled", l.w.ref.Name, l.active+len(l.pending))
		}
	}
}

// collect takes a finished job and all others that have finished by now.
func (l *workLoop) collect(f finishedJob) {
	l.add(f)
	// Let jobs that are about to finish do so, that they go out in the same call.
	runtime.Gosched()
	for {
		select {
		case f := <-l.finished:
			l.add(f)
		default:
			return
		}
	}
}

func (l *workLoop) add(f finishedJob) {
	l.active--
	var control *ControlError
	if errors.As(f.err, &control) && control.RateLimit > 0 {
		l.block(control.RateLimit)
	}
	if f.job.held.ended.Load() {
		l.idle = false // It has been moved on; its slot is free.
		return
	}
	l.pending = append(l.pending, f)
}

// block holds fetches back for the queue's rate limit.
func (l *workLoop) block(d time.Duration) {
	l.idle = false
	l.blockedUntil = time.Now().Add(min(d, maxRateLimitDelay))
}

// dispatch starts the calls, or the wait, that the present state asks for.
func (l *workLoop) dispatch(ctx context.Context, waiter Waiter) {
	blocked := time.Now().Before(l.blockedUntil)
	for l.calls < maxCallsInFlight {
		want := 0
		if !l.stopping && !blocked && !l.w.IsPaused() && (!l.idle || len(l.pending) > 0) {
			want = min(l.free(), maxBatch)
		}
		if want == 0 && len(l.pending) == 0 || blocked && l.failures > 0 {
			break
		}
		n := min(len(l.pending), maxBatch)
		sent := l.pending[:n:n]
		l.pending = l.pending[n:]
		l.call(sent, want)
	}
	if l.idle && !l.waiting && !l.stopping && !blocked && !l.w.IsPaused() && l.free() > 0 {
		l.wait(ctx, waiter)
	}
}

// free is how many more jobs may be asked for. A wait holds a slot of its own,
// so that whoever is woken can take the job.
func (l *workLoop) free() int {
	n := l.w.Concurrency() - l.active - l.reserved
	if l.waiting {
		n--
	}
	return max(n, 0)
}

func (l *workLoop) call(sent []finishedJob, want int) {
	l.calls++
	l.reserved += want
	req := l.w.request(make([]Outcome, len(sent)), want)
	for i := range sent {
		req.Outcomes[i] = sent[i].outcome
	}
	l.background.Go(func() {
		reply, err := l.w.backend.FinishAndFetch(l.callContext, l.w.ref, req)
		l.replies <- callReply{sent, want, req.Token, reply, err}
	})
}

func (l *workLoop) wait(ctx context.Context, waiter Waiter) {
	l.waiting = true
	timeout := l.w.opts.DrainDelay
	if !l.nextDelayed.IsZero() {
		timeout = l.w.untilDue(l.nextDelayed)
	}
	waitContext, cancel := context.WithCancel(ctx)
	l.endWait = cancel
	l.background.Go(func() {
		defer cancel()
		next, err := waiter.Wait(waitContext, timeout)
		l.woken <- wakeUp{next, err}
	})
}

func (l *workLoop) wake(ctx context.Context, wake wakeUp) {
	l.waiting = false
	switch {
	case l.stopping:
	case errors.Is(wake.err, context.Canceled):
		l.idle = false // The worker was paused; it looks again when it is resumed.
	case wake.err != nil:
		l.fail(ctx, fmt.Errorf("wait for jobs: %w", wake.err))
	case !wake.nextDelayed.IsZero():
		l.nextDelayed = wake.nextDelayed
	default:
		l.idle, l.nextDelayed = false, time.Time{}
	}
}

// fail holds calls back after an error that concerns the connection.
func (l *workLoop) fail(ctx context.Context, err error) {
	if ctx.Err() == nil {
		l.w.reportError(ctx, err)
	}
	l.failures++
	l.idle = false
	l.blockedUntil = time.Now().Add(retryDelay(l.failures))
}

// handle deals with the answer to a call: it reports the results as stored and
// starts the new jobs.
func (l *workLoop) handle(ctx context.Context, r callReply) {
	l.calls--
	l.reserved -= r.want
	if r.err != nil {
		// Whether the call was carried out is not known. Results that were stored
		// will be refused for want of a lock the second time.
		l.pending = append(r.sent, l.pending...)
		l.fail(ctx, r.err)
		return
	}
	l.failures = 0
	for i, f := range r.sent {
		if other, ok := l.w.refusedByChildren(ctx, f, r.reply.Errors[i]); ok {
			l.pending = append(l.pending, other)
			continue
		}
		l.w.running.remove(f.job.ID)
		l.w.report(ctx, f, r.reply.Errors[i])
	}
	for _, id := range r.reply.Dropped {
		l.w.reportError(ctx, fmt.Errorf("job %s is taken out of the queue: %w: it has no data", id, ErrDamagedJob))
	}
	for _, job := range r.reply.Jobs {
		job.held = &hold{worker: l.w, token: r.token}
		l.start(job)
	}
	if r.want == 0 {
		return
	}
	l.idle = len(r.reply.Jobs) < r.want
	l.nextDelayed = r.reply.NextDelayed
	if d := r.reply.RateLimited; d > 0 {
		l.block(d)
	}
	l.tellDrained(len(r.reply.Jobs) == 0)
}

// tellDrained calls the hook once for each time that nothing more is found.
func (l *workLoop) tellDrained(empty bool) {
	if empty && !l.drained && l.w.opts.Hooks.Drained != nil {
		l.w.opts.Hooks.Drained()
	}
	l.drained = empty
}

// task is a job that is to be run, with the context that ends if it is given up.
type task struct {
	job    *Job
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (l *workLoop) start(job *Job) {
	l.active++
	// The worker's own end is no reason to end a job that runs.
	ctx, cancel := context.WithCancelCause(l.jobContext)
	l.w.running.add(job, cancel, time.Now())
	t := task{job, ctx, cancel}
	select {
	case l.tasks <- t:
	default:
		go l.runTasks(t)
	}
}

// runTasks runs a job and then others that come while it is free, until the loop
// ends. To go on in the same goroutine spares each job the growing of a new stack.
func (l *workLoop) runTasks(t task) {
	for more := true; more; t, more = <-l.tasks {
		outcome, err := l.w.attempt(t.ctx, t.job)
		t.cancel(nil)
		select {
		case l.finished <- finishedJob{t.job, outcome, err}:
		case <-l.callContext.Done(): // The loop has given this job up.
		}
	}
}
