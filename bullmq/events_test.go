package bullmq_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func TestQueueEventsTellAJobsLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	var seen []bullmq.Event
	events := bullmq.NewQueueEvents(b.queue, nil)
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan error, 1)
	require.NoError(t, b.queue.Init(b.ctx))
	go func() {
		done <- events.Run(ctx, func(e bullmq.Event) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, e)
		})
	}()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	b.work(t, "q", bullmq.WorkerOptions{}, func(ctx context.Context, job *bullmq.Job) (any, error) {
		if job.Name == "bad" {
			return nil, errors.New("broken")
		}
		return "ok", job.UpdateProgress(ctx, 50)
	})
	good, err := b.queue.Add(b.ctx, "good", nil, nil)
	require.NoError(t, err)
	result, err := events.Wait(b.ctx, good.ID)
	require.NoError(t, err)
	require.JSONEq(t, `"ok"`, string(result))

	bad, err := b.queue.Add(b.ctx, "bad", nil, nil)
	require.NoError(t, err)
	_, err = events.Wait(b.ctx, bad.ID)
	var failed *bullmq.FailedError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "broken", failed.Reason)

	// Waiting for a job that has finished before answers at once.
	result, err = events.Wait(b.ctx, good.ID)
	require.NoError(t, err)
	require.JSONEq(t, `"ok"`, string(result))
	_, err = events.Wait(b.ctx, "nothing")
	require.ErrorIs(t, err, bullmq.ErrJobNotFound)

	mu.Lock()
	defer mu.Unlock()
	var types []bullmq.EventType
	for _, e := range seen {
		if e.JobID == good.ID {
			types = append(types, e.Type)
		}
	}
	// The first events may precede the reader's start.
	require.Subset(t, []bullmq.EventType{
		bullmq.EventAdded, bullmq.EventWaiting, bullmq.EventActive, bullmq.EventProgress, bullmq.EventCompleted,
	}, types)
	require.Contains(t, types, bullmq.EventCompleted)
}

func TestEventReaderFollowsManyQueues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := b.newQueue(t, "other")
	reader := bullmq.NewEventReader(b.backend, &bullmq.EventReaderOptions{Block: 50 * time.Millisecond})
	require.NoError(t, reader.Follow(b.ctx, b.queue.Ref(), other.Ref()))
	ctx, cancel := context.WithCancel(b.ctx)
	got := make(chan string, 100)
	done := make(chan error, 1)
	go func() {
		done <- reader.Run(ctx, func(e bullmq.Event) {
			if e.Type == bullmq.EventAdded {
				got <- e.Queue.Name + "/" + e.Fields["name"]
			}
		})
	}()
	for _, q := range []*bullmq.Queue{b.queue, other} {
		_, err := q.Add(b.ctx, "x", nil, nil)
		require.NoError(t, err)
	}
	require.ElementsMatch(t, []string{"q/x", "other/x"}, []string{<-got, <-got})

	// A queue that joins later is read from where it was asked for.
	third := b.newQueue(t, "third")
	_, err := third.Add(b.ctx, "before", nil, nil)
	require.NoError(t, err)
	require.NoError(t, reader.Follow(b.ctx, third.Ref()))
	_, err = third.Add(b.ctx, "after", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "third/after", <-got)
	reader.Unfollow(third.Ref())
	require.Len(t, reader.Positions(), 2)
	cancel()
	require.NoError(t, <-done)
}
