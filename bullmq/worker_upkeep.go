package bullmq

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// runningJobs are the jobs that a worker holds locks on.
type runningJobs struct {
	mu   sync.Mutex
	jobs map[string]*runningJob // guarded by mu
}

type runningJob struct {
	token   string
	cancel  context.CancelCauseFunc
	renewed time.Time
}

func newRunningJobs() *runningJobs { return &runningJobs{jobs: map[string]*runningJob{}} }

func (r *runningJobs) add(job *Job, cancel context.CancelCauseFunc, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jobs[job.ID] = &runningJob{token: job.held.token, cancel: cancel, renewed: now}
}

func (r *runningJobs) remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.jobs, id)
}

// due returns the locks that were last renewed before a time.
func (r *runningJobs) due(before time.Time) []JobLock {
	r.mu.Lock()
	defer r.mu.Unlock()
	var locks []JobLock
	for id, job := range r.jobs {
		if job.renewed.Before(before) {
			locks = append(locks, JobLock{ID: id, Token: job.token})
		}
	}
	return locks
}

func (r *runningJobs) renewed(locks []JobLock, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range locks {
		if job := r.jobs[l.ID]; job != nil && job.token == l.Token {
			job.renewed = now
		}
	}
}

// cancel ends the context of a job and returns whether it runs.
func (r *runningJobs) cancel(id string, cause error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.jobs[id]
	if job != nil {
		job.cancel(cause)
	}
	return job != nil
}

func (r *runningJobs) cancelAll(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, job := range r.jobs {
		job.cancel(cause)
	}
}

// lose ends the context of a job whose lock is gone and forgets the lock. It
// returns whether the job still runs under that lock.
func (r *runningJobs) lose(lock JobLock) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	job := r.jobs[lock.ID]
	if job == nil || job.token != lock.Token {
		return false
	}
	job.cancel(ErrLockMissing)
	delete(r.jobs, lock.ID)
	return true
}

// renewLocks keeps the locks of running jobs, all in one call, until ctx ends.
// Half of the lock's duration is left when it is renewed, at the least.
func (l *workLoop) renewLocks(ctx context.Context) {
	every := l.w.opts.LockDuration / 4
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		locks := l.w.running.due(now.Add(-every))
		if len(locks) == 0 {
			continue
		}
		lost, err := l.w.backend.ExtendLocks(ctx, l.w.ref, locks, l.w.opts.LockDuration)
		if err != nil {
			if ctx.Err() == nil {
				l.w.reportError(ctx, fmt.Errorf("renew locks: %w", err))
			}
			continue
		}
		l.w.running.renewed(locks, now)
		l.lose(ctx, locks, lost)
	}
}

// lose gives up jobs whose locks could not be renewed.
func (l *workLoop) lose(ctx context.Context, locks []JobLock, ids []string) {
	var lost []string
	for _, lock := range locks {
		// A job that ended while its lock was renewed has not lost it.
		if slices.Contains(ids, lock.ID) && l.w.running.lose(lock) {
			lost = append(lost, lock.ID)
			l.w.reportError(ctx, fmt.Errorf("job %s: %w", lock.ID, ErrLockMissing))
		}
	}
	if len(lost) > 0 && l.w.opts.Hooks.LockLost != nil {
		l.w.opts.Hooks.LockLost(lost)
	}
}

// recoverStalled gives jobs of silent workers back to the queue, now and then
// until ctx ends.
func (l *workLoop) recoverStalled(ctx context.Context) {
	if l.w.opts.StalledInterval < 0 {
		return
	}
	ticker := time.NewTicker(l.w.opts.StalledInterval)
	defer ticker.Stop()
	for {
		ids, err := l.w.RecoverStalled(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			l.w.reportError(ctx, fmt.Errorf("look for stalled jobs: %w", err))
		case l.w.opts.Hooks.Stalled != nil:
			for _, id := range ids {
				l.w.opts.Hooks.Stalled(id)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
