package worker_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
)

// gauge counts how many jobs run at once.
type gauge struct {
	mu       sync.Mutex
	now, max int // guarded by mu
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.max = max(g.max, g.now)
}

func (g *gauge) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.max
}

// slow defines a handler that takes some milliseconds and is counted.
func (g *gauge) slow(t *testing.T, name string, d time.Duration, opts *handler.Options) *handler.Definition {
	t.Helper()
	return define(t, name, func(ctx handler.Context, _ any) (any, error) {
		g.add(1)
		defer g.add(-1)
		select {
		case <-time.After(d):
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, opts)
}

// addMany adds a number of jobs to a queue.
func (b *bench) addMany(queue, name string, n int) []*bullmq.Job {
	b.t.Helper()
	bulk := make([]bullmq.BulkJob, n)
	for i := range bulk {
		bulk[i] = bullmq.BulkJob{Name: name, Data: json.RawMessage(`{}`)}
	}
	jobs, err := b.queue(queue).AddBulk(b.t.Context(), bulk)
	require.NoError(b.t, err)
	return jobs
}

func TestAHandlerKeepsToItsLimitOverAllQueuesAndHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	var busy, all gauge
	b := start(t, nil, func(o *worker.Options) {
		o.Settings.Queues = []worker.Queue{{Name: "q", Concurrency: 3}, {Name: "r", Concurrency: 2}}
		o.Handlers = []*handler.Definition{
			busy.slow(t, "busy", 10*time.Millisecond, &handler.Options{Defaults: handler.Defaults{Concurrency: 2}}),
			all.slow(t, "quick", time.Millisecond, nil),
		}
	})
	slow := append(b.addMany("q", "busy", 100), b.addMany("r", "busy", 50)...)
	quick := append(b.addMany("q", "quick", 20), b.addMany("r", "quick", 20)...)
	for _, job := range quick {
		require.Equal(t, 1, b.wait(job, bullmq.StateCompleted).AttemptsStarted)
	}
	started := 0
	for _, job := range slow {
		done := b.wait(job, bullmq.StateCompleted)
		require.Equal(t, 1, done.AttemptsMade, "to wait for its handler costs a job no attempt")
		started += done.AttemptsStarted
	}
	require.Equal(t, 2, busy.most())
	require.LessOrEqual(t, all.most(), 5)
	require.Less(t, started, 10*len(slow), "jobs of a busy handler do not go round and round")
	b.worker(func(w *catalogue.Worker) bool {
		return w.LoadOf("busy").Concurrency == 2 && w.LoadOf("busy").Running == 0
	})
}

func TestTheQueuesOwnConcurrencyHoldsForJobsThatWereHeld(t *testing.T) {
	t.Parallel()
	var one, two gauge
	b := start(t, nil, func(o *worker.Options) {
		o.Settings.Queues = []worker.Queue{{Name: "q", Concurrency: 2}}
		o.Handlers = []*handler.Definition{one.slow(t, "one", 5*time.Millisecond, nil), two.slow(t, "two", 5*time.Millisecond, nil)}
		o.Settings.Handlers = map[string]worker.HandlerSettings{"one": {Concurrency: 1}}
	})
	var jobs []*bullmq.Job
	for range 10 {
		jobs = append(jobs, b.addMany("q", "one", 3)...)
		jobs = append(jobs, b.addMany("q", "two", 3)...)
	}
	for _, job := range jobs {
		b.wait(job, bullmq.StateCompleted)
	}
	require.Equal(t, 1, one.most())
	require.LessOrEqual(t, two.most(), 2)
}

func TestHeldJobsGoBackWhenTheWorkerStops(t *testing.T) {
	t.Parallel()
	var g gauge
	b := start(t, nil, func(o *worker.Options) {
		o.ShutdownTimeout = time.Minute
		o.Handlers = []*handler.Definition{g.slow(t, "one", 300*time.Millisecond, nil)}
		o.Settings.Handlers = map[string]worker.HandlerSettings{"one": {Concurrency: 1}}
	})
	jobs := b.addMany("q", "one", 5)
	b.wait(jobs[0], bullmq.StateActive)
	b.wait(jobs[4], bullmq.StateActive)
	b.stop()
	counts, err := b.queue("q").Counts(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, counts[bullmq.StateCompleted], "only the job that ran was waited for")
	require.EqualValues(t, 4, counts[bullmq.StateWaiting])
}

func TestAnOperatorsTimeoutGoesBeforeTheAuthors(t *testing.T) {
	t.Parallel()
	var g gauge
	b := start(t, nil, func(o *worker.Options) {
		advice := &handler.Options{Defaults: handler.Defaults{Timeout: time.Millisecond}}
		o.Handlers = []*handler.Definition{
			g.slow(t, "mail-in", time.Minute, advice), g.slow(t, "mail-out", 100*time.Millisecond, advice),
		}
		o.Settings.Handlers = map[string]worker.HandlerSettings{"mail-*": {Timeout: 50 * time.Millisecond}, "mail-out": {Timeout: -1}}
	})
	require.Equal(t, "timed out after 50ms", b.wait(b.add("mail-in", `{}`, nil), bullmq.StateFailed).FailedReason)
	b.run("mail-out", `{}`)
}

func TestAStopByForceGivesJobsBack(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{"stuck.mjs": `export default () => new Promise(() => {});`},
		func(o *worker.Options) { o.ShutdownTimeout = time.Hour })
	jobs := []*bullmq.Job{b.add("stuck", `{}`, nil), b.add("sleep", `{"ms":60000}`, nil)}
	for _, job := range jobs {
		b.wait(job, bullmq.StateActive)
	}
	b.cancel()
	b.worker(func(w *catalogue.Worker) bool { return w.Stopping })
	b.super.Force()
	b.stop()
	for _, job := range jobs {
		require.Zero(t, b.wait(job, bullmq.StateWaiting).AttemptsMade, fmt.Sprint("job ", job.ID))
	}
}

func TestALimitThatAnAuthorRaisesHoldsAtOnce(t *testing.T) {
	t.Parallel()
	source := func(limit int) string {
		return fmt.Sprintf(`export default { name: "slow", defaults: { concurrency: %d },
			run: () => new Promise((resolve) => setTimeout(resolve, 60000)) };`, limit)
	}
	b := start(t, map[string]string{"slow.mjs": source(1)}, nil)
	b.addMany("q", "slow", 5)
	running := func(n int) {
		b.worker(func(w *catalogue.Worker) bool { return w.LoadOf("slow").Running == n })
	}
	running(1)
	b.save("slow.mjs", source(3))
	running(3)
}
