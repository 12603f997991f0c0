package board

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

const (
	// bulkChunk is how many jobs of a bulk action are read at a time, fanOut how
	// many of them are acted on at once; their calls share round trips.
	bulkChunk, fanOut = 500, 64
	// cleanGrace spares jobs that finished just now.
	cleanGrace = 5 * time.Second
)

// retryAnswer counts the jobs of a bulk retry.
type retryAnswer struct {
	Retried int64 `json:"retried"`
	// Skipped jobs had been removed or taken by somebody else meanwhile.
	Skipped int64 `json:"skipped"`
}

func (b *Board) retryAll(c *call) (any, error) {
	state := bullmq.JobState(c.params["status"])
	if state != bullmq.StateCompleted && state != bullmq.StateFailed {
		return nil, invalid(keyStatusNotRetriable, map[string]any{"status": string(state)})
	}
	done, skipped, err := b.eachJob(c, state, func(ctx context.Context, ref bullmq.QueueRef, id string) error {
		return b.opts.Redis.RetryFinished(ctx, ref, id, state, bullmq.RetryOptions{})
	})
	return retryAnswer{done, skipped}, err
}

func (b *Board) promoteAll(c *call) (any, error) {
	_, _, err := b.eachJob(c, bullmq.StateDelayed, b.opts.Redis.Promote)
	return empty{}, err
}

// cleanStates are the states the page can clean, in its words.
var cleanStates = map[string]bullmq.JobState{
	"completed": bullmq.StateCompleted, "failed": bullmq.StateFailed, "delayed": bullmq.StateDelayed,
	"wait": bullmq.StateWaiting, "active": bullmq.StateActive,
}

func (b *Board) cleanAll(c *call) (any, error) {
	state, ok := cleanStates[c.params["status"]]
	if !ok {
		return nil, refuse(http.StatusBadRequest, keyInvalidQuery)
	}
	before := time.Now().Add(-cleanGrace)
	_, _, err := b.eachJob(c, state, func(ctx context.Context, ref bullmq.QueueRef, id string) error {
		job, err := b.opts.Redis.Job(ctx, ref, id)
		if err != nil {
			return err
		}
		if lastChange(job).After(before) {
			return bullmq.ErrNotInState
		}
		return b.opts.Redis.Remove(ctx, ref, id, true)
	})
	return empty{}, err
}

// lastChange is the time by which BullMQ judges whether a job is old enough to be cleaned.
func lastChange(j *bullmq.Job) time.Time {
	switch {
	case !j.FinishedOn.IsZero():
		return j.FinishedOn
	case !j.ProcessedOn.IsZero():
		return j.ProcessedOn
	default:
		return j.Timestamp
	}
}

// emptyQueue removes the jobs that wait, and keeps those that run or are delayed.
func (b *Board) emptyQueue(c *call) (any, error) {
	for _, state := range []bullmq.JobState{bullmq.StateWaiting, bullmq.StatePrioritized} {
		_, _, err := b.eachJob(c, state, func(ctx context.Context, ref bullmq.QueueRef, id string) error {
			return b.opts.Redis.Remove(ctx, ref, id, true)
		})
		if err != nil {
			return nil, err
		}
	}
	return empty{}, nil
}

// eachJob acts on the jobs that are in a state now, chunk by chunk, and counts
// those that were acted on and those that stayed as they were. It ends with the
// request's time; what is left is there for the next one.
func (b *Board) eachJob(
	c *call, state bullmq.JobState, act func(ctx context.Context, ref bullmq.QueueRef, id string) error,
) (done, skipped int64, err error) {
	ref := c.queue.Ref()
	counts, err := c.queue.Counts(c.ctx)
	if err != nil {
		return 0, 0, err
	}
	var acted, stayed atomic.Int64
	for left := counts[state]; left > 0; {
		// Those that were acted on have left the state, so the others stand first.
		from := stayed.Load()
		ids, err := b.opts.Redis.JobIDs(c.ctx, ref, state, from, from+min(left, bulkChunk)-1, false)
		if err != nil || len(ids) == 0 {
			return acted.Load(), stayed.Load(), err
		}
		left -= int64(len(ids))
		err = inParallel(c.ctx, ids, func(ctx context.Context, id string) error {
			err := act(ctx, ref, id)
			switch {
			case err == nil:
				acted.Add(1)
			case isSkipped(err):
				stayed.Add(1)
				err = nil
			}
			return err
		})
		if err != nil {
			return acted.Load(), stayed.Load(), err
		}
	}
	return acted.Load(), stayed.Load(), nil
}

// isSkipped reports whether a job of a bulk action is left as it is.
func isSkipped(err error) bool {
	for _, known := range []error{
		bullmq.ErrJobNotFound, bullmq.ErrNotInState, bullmq.ErrJobLocked, bullmq.ErrJobBelongsToScheduler,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// inParallel calls f for each item, some at once, and returns the first error.
func inParallel[T any](ctx context.Context, items []T, f func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fanOut)
	for _, item := range items {
		g.Go(func() error { return f(ctx, item) })
	}
	return g.Wait()
}
