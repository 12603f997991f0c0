package bullmq_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func (b *bench) manualWorker(t *testing.T, opts bullmq.WorkerOptions) *bullmq.Worker {
	t.Helper()
	opts.Prefix = b.prefix
	w, err := bullmq.NewWorker(b.backend, "q", nil, &opts)
	require.NoError(t, err)
	require.Error(t, w.Run(b.ctx), "there is nothing to run jobs with")
	return w
}

func TestJobsCanBeTakenAndEndedByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.manualWorker(t, bullmq.WorkerOptions{Name: "hand"})
	_, err := w.NextJob(b.ctx, nil)
	require.ErrorIs(t, err, bullmq.ErrNoJob)
	b.addMany(t, 2, &bullmq.JobOptions{Attempts: 2})

	job, err := w.NextJob(b.ctx, &bullmq.NextJobOptions{Token: "mine"})
	require.NoError(t, err)
	require.Equal(t, "mine", job.Token())
	require.Equal(t, 1, job.AttemptsStarted)
	require.Equal(t, "hand", job.ProcessedBy)
	require.NoError(t, job.ExtendLock(b.ctx, time.Minute))
	require.NoError(t, job.MoveToCompleted(b.ctx, map[string]int{"n": 1}))
	require.ErrorIs(t, job.MoveToCompleted(b.ctx, nil), bullmq.ErrLockMissing)
	require.ErrorIs(t, job.ExtendLock(b.ctx, time.Minute), bullmq.ErrLockMissing)

	job, err = w.NextJob(b.ctx, nil)
	require.NoError(t, err)
	final, err := job.MoveToFailed(b.ctx, errors.New("no"))
	require.NoError(t, err)
	require.False(t, final)
	job, err = w.NextJob(b.ctx, nil)
	require.NoError(t, err)
	final, err = job.MoveToFailed(b.ctx, errors.New("no"))
	require.NoError(t, err)
	require.True(t, final)
	require.EqualValues(t, 1, b.counts(t)[bullmq.StateFailed])

	read, err := b.queue.Job(b.ctx, "1")
	require.NoError(t, err)
	require.JSONEq(t, `{"n":1}`, string(read.ReturnValue))
	require.ErrorIs(t, read.MoveToWait(b.ctx), bullmq.ErrNotHeld)
}

func TestHeldJobCanGoBackWithoutUsingAnAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.manualWorker(t, bullmq.WorkerOptions{})
	b.addMany(t, 2, nil)
	job, err := w.NextJob(b.ctx, nil)
	require.NoError(t, err)
	require.NoError(t, job.MoveToWait(b.ctx))
	again, err := w.NextJob(b.ctx, nil)
	require.NoError(t, err)
	require.Equal(t, job.ID, again.ID, "it is in front")
	require.NoError(t, again.MoveToDelayed(b.ctx, time.Now().Add(time.Hour)))
	require.EqualValues(t, 1, b.counts(t)[bullmq.StateDelayed])
	require.ErrorIs(t, again.MoveToWait(b.ctx), bullmq.ErrLockMissing)
	delayed, err := b.queue.Job(b.ctx, job.ID)
	require.NoError(t, err)
	require.Zero(t, delayed.AttemptsMade)
	require.Equal(t, 2, delayed.AttemptsStarted)
}

func TestNextJobCanWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.manualWorker(t, bullmq.WorkerOptions{DrainDelay: time.Hour})
	type taken struct {
		job *bullmq.Job
		err error
	}
	got := make(chan taken, 1)
	go func() {
		job, err := w.NextJob(b.ctx, &bullmq.NextJobOptions{Block: true})
		got <- taken{job, err}
	}()
	_, err := b.queue.Add(b.ctx, "soon", nil, &bullmq.JobOptions{Delay: 30 * time.Millisecond})
	require.NoError(t, err)
	first := <-got
	require.NoError(t, first.err)
	require.Equal(t, "soon", first.job.Name)
}

func TestStalledCheckByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.manualWorker(t, bullmq.WorkerOptions{StalledInterval: time.Millisecond, LockDuration: 5 * time.Millisecond})
	b.addMany(t, 1, nil)
	_, err := w.NextJob(b.ctx, nil)
	require.NoError(t, err)
	eventually(t, "the job is taken back", func() bool {
		ids, err := w.RecoverStalled(b.ctx)
		require.NoError(t, err)
		return len(ids) == 1 && ids[0] == "1"
	})
	require.EqualValues(t, 1, b.counts(t)[bullmq.StateWaiting])
}
