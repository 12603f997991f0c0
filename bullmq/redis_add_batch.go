package bullmq

import (
	"context"
	"sync"
)

// addBatches has the single adds of each queue that are under way or wait.
type addBatches struct {
	redis *Redis

	mu     sync.Mutex
	queues map[QueueRef]*addBatch // guarded by mu
	calls  sync.WaitGroup
}

func newAddBatches(r *Redis) *addBatches {
	return &addBatches{redis: r, queues: map[QueueRef]*addBatch{}}
}

func (a *addBatches) queue(q QueueRef) *addBatch {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.queues[q]
	if b == nil {
		b = &addBatch{owner: a, ref: q}
		a.queues[q] = b
	}
	return b
}

// addBatch puts single adds to one queue together.
type addBatch struct {
	owner *addBatches
	ref   QueueRef

	mu      sync.Mutex
	waiting []*singleAdd // guarded by mu
	flying  int          // guarded by mu; calls under way
}

// singleAdd is one producer's job on its way.
type singleAdd struct {
	job    NewJob
	result AddResult
	err    error
	done   chan struct{}
}

func (b *addBatch) add(ctx context.Context, job NewJob) ([]AddResult, error) {
	b.mu.Lock()
	if b.flying < maxAddsInFlight {
		b.flying++
		b.mu.Unlock()
		results := make([]AddResult, 1)
		err := b.owner.redis.addChunk(ctx, b.ref, []NewJob{job}, results)
		b.landed() //nolint:contextcheck // those who wait have contexts of their own
		return results, err
	}
	single := &singleAdd{job: job, done: make(chan struct{})}
	b.waiting = append(b.waiting, single)
	b.mu.Unlock()
	select {
	case <-single.done:
		return []AddResult{single.result}, single.err
	case <-ctx.Done():
		b.withdraw(single)
		return nil, ctx.Err()
	}
}

// withdraw takes back a job that is not on its way yet.
func (b *addBatch) withdraw(single *singleAdd) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range b.waiting {
		if s == single {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			return
		}
	}
}

// landed is called when a call has ended; those who wait go next.
func (b *addBatch) landed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.flying--
		return
	}
	batch := b.waiting
	b.waiting = nil
	b.owner.calls.Go(func() { b.fly(batch) })
}

// fly adds the jobs of several producers. None of their contexts may end the
// call for the others; the connection's own timeout bounds it.
func (b *addBatch) fly(batch []*singleAdd) {
	jobs := make([]NewJob, len(batch))
	for i, s := range batch {
		jobs[i] = s.job
	}
	results := make([]AddResult, len(batch))
	for from := 0; from < len(jobs); {
		to := chunkEnd(jobs, from)
		err := b.owner.redis.addChunk(context.Background(), b.ref, jobs[from:to], results[from:to])
		for i := from; i < to; i++ {
			batch[i].result, batch[i].err = results[i], err
			close(batch[i].done)
		}
		from = to
	}
	b.landed()
}
