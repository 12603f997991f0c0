package worker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

const (
	// maxBacklog bounds how many jobs are remembered; others come again by themselves.
	maxBacklog = 10_000
	// promoteAgain is when a job is tried once more whose return to the queue was
	// still on its way, and promoteTries how often.
	promoteAgain = 100 * time.Millisecond
	promoteTries = 20
)

// backlog remembers jobs that were put back for want of a handler, so that they
// run as soon as it is there rather than when their delay is over.
type backlog struct {
	super   *Supervisor
	changed chan struct{}

	mu   sync.Mutex
	jobs map[backlogJob]int // guarded by mu; with how often each was tried
}

type backlogJob struct {
	queue    queueKey
	id, name string
	attempts int // made so far; a job that has made more since waits for another reason
}

func newBacklog(s *Supervisor) *backlog {
	return &backlog{super: s, changed: make(chan struct{}, 1), jobs: map[backlogJob]int{}}
}

func (b *backlog) add(queue queueKey, job *bullmq.Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.jobs) < maxBacklog {
		b.jobs[backlogJob{queue, job.ID, job.Name, job.AttemptsMade}] = 0
	}
}

// wake has those jobs run whose handler may be there now.
func (b *backlog) wake() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// run promotes jobs when handlers change, until ctx ends.
func (b *backlog) run(ctx context.Context) error {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.changed:
		case <-again:
		}
		again = nil
		if b.promote(ctx) {
			again = time.After(promoteAgain)
		}
	}
}

// promote lets the jobs go that are no longer refused, and reports whether some
// are to be tried again.
func (b *backlog) promote(ctx context.Context) (more bool) {
	for _, j := range b.ready() {
		err := b.promoteOne(ctx, j)
		switch {
		case errors.Is(err, bullmq.ErrNotInState) && b.tryAgain(j):
			more = true
			continue
		case err == nil, errors.Is(err, bullmq.ErrNotInState), errors.Is(err, bullmq.ErrJobNotFound), ctx.Err() != nil:
		default:
			b.super.opts.Logger.WarnContext(ctx, "job was not brought forward", slog.String("job", j.id), slog.Any("error", err))
		}
		b.forget(j)
	}
	return more
}

func (b *backlog) promoteOne(ctx context.Context, j backlogJob) error {
	queue, err := bullmq.NewQueue(b.super.opts.Backend, j.queue.name, &bullmq.QueueOptions{Prefix: j.queue.prefix})
	if err != nil {
		return err
	}
	job, err := queue.Job(ctx, j.id)
	if err != nil || job.AttemptsMade != j.attempts {
		return err
	}
	return job.Promote(ctx)
}

// ready lists the jobs that would run now.
func (b *backlog) ready() []backlogJob {
	b.super.mu.Lock()
	serving := maps.Clone(b.super.serving)
	b.super.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []backlogJob
	for j := range b.jobs {
		switch q := serving[j.queue]; {
		case q == nil:
			delete(b.jobs, j)
		case q.refusal(j.name) == nil:
			list = append(list, j)
		}
	}
	return list
}

func (b *backlog) tryAgain(j backlogJob) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jobs[j]++
	return b.jobs[j] <= promoteTries
}

func (b *backlog) forget(j backlogJob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.jobs, j)
}
