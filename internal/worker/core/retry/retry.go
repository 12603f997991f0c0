// Package retry repeats requests to other servers within one attempt of a job:
// a bounded number of times, in a bounded time, with growing pauses, and no
// sooner than the server asks for. A pause too long to hold a worker's slot puts
// the job back instead.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

const (
	// MaxDelay is the longest time that a job is put back for, whatever a server asks.
	MaxDelay = 24 * time.Hour
	// MaxDelays is how often one job is put back; a server that always asks for more
	// time fails the attempt then, so that no job goes on for ever.
	MaxDelays = 20
	// firstPause is the pause before the second try; it doubles with each.
	firstPause = 500 * time.Millisecond
	// longestPause bounds the pauses that no server asked for.
	longestPause = 10 * time.Second
)

// Policy says how long a request is repeated.
type Policy struct {
	// Tries is how often the request is sent in all. Less than 1 means once.
	Tries int
	// Hold is the longest pause that is spent waiting; a longer one that a server
	// asks for puts the job back.
	Hold time.Duration
	// Total bounds all tries and pauses together.
	Total time.Duration
}

// againError says that a further try may succeed.
type againError struct {
	err   error
	after time.Duration
}

func (e *againError) Error() string { return e.err.Error() }
func (e *againError) Unwrap() error { return e.err }

// Again wraps an error that a further try may not meet. The server asks to wait
// for after; 0 leaves the pause to the policy.
func Again(err error, after time.Duration) error { return &againError{err, after} }

// Do calls try until it succeeds, returns an error that [Again] did not make, or
// the policy ends it. The context that try gets ends with the policy's total.
// Do returns the last error, unwrapped, or [bullmq.DelayJob] when the job is to
// be put back.
func (p Policy) Do(ctx handler.Context, try func(context.Context) error) error {
	deadline := time.Now().Add(p.Total)
	bounded, cancel := context.WithDeadlineCause(ctx, deadline, fmt.Errorf("gave up after %s in all", p.Total))
	defer cancel()
	for n := 1; ; n++ {
		err := try(bounded)
		var again *againError
		if !errors.As(err, &again) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		pause := again.after
		if pause > p.Hold {
			return putBack(ctx, again)
		}
		if pause <= 0 {
			pause = jittered(n)
		}
		if n >= p.Tries || time.Until(deadline) <= pause {
			return again.err
		}
		ctx.Logf("%v; try %d of %d follows in %s", again.err, n+1, p.Tries, pause.Round(time.Millisecond))
		if !sleep(ctx, pause) {
			return context.Cause(ctx)
		}
	}
}

// putBack delays the job for as long as the server asks, unless it was put back
// too often or the server asks for too much.
func putBack(ctx handler.Context, again *againError) error {
	job := ctx.Job()
	if again.after > MaxDelay || job.AttemptsStarted-job.Attempt >= MaxDelays {
		return again.err
	}
	// Jobs that were refused together should not all come back together.
	delay := again.after + rand.N(again.after/20+time.Second) //nolint:gosec // jitter, no secret
	ctx.Logf("%v; the server asks to wait %s, so the job is put back until then", again.err, again.after)
	return bullmq.DelayJob(delay)
}

// jittered is the pause after the nth try: between half of it and all of it.
func jittered(n int) time.Duration {
	pause := min(firstPause<<min(n-1, 10), longestPause)
	return pause/2 + rand.N(pause/2) //nolint:gosec // jitter, no secret
}

// sleep returns false if the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
