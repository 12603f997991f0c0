package interop

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Each attempt of the job runs on the other engine than the one before.
func TestAttemptsOfOneJobAreSharedByBothEngines(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	v5 := newVersion5(t)
	for _, p := range []pair{{node, goSide}, {goSide, node}, {v5, goSide}, {goSide, v5}} {
		first, second := p.producer, p.consumer
		t.Run(fmt.Sprintf("%s begins, %s goes on", nameOf(first), nameOf(second)), func(t *testing.T) {
			t.Parallel()
			node := p.peer(node)
			ctx, q := testContext(t), newQueue(t)
			id, err := second.add(ctx, q, "flaky", raw(`{"failures":3}`), raw(`{"attempts":4,"backoff":{"type":"exponential","delay":3600000}}`))
			require.NoError(t, err)
			for attempt := 1; attempt <= 4; attempt++ {
				runner, other := first, second
				if attempt%2 == 0 {
					runner, other = second, first
				}
				stop := runner.startWorker(t, q, workerOptions{})
				end := bullmq.StateDelayed
				if attempt == 4 {
					end = bullmq.StateCompleted
				}
				job := awaitState(t, ctx, other, q, id, end)
				stop()
				require.Equal(t, attempt, job.AttemptsMade)
				requireSameJob(t, q, id, node, goSide)
				if attempt < 4 {
					require.Equal(t, int64(3600000<<(attempt-1)), job.Delay)
					require.NoError(t, other.do(ctx, q, id, "promote", 0))
				}
			}
			job := requireSameJob(t, q, id, node, goSide).outcome()
			require.Equal(t, 4, job.AttemptsStarted)
			require.EqualValues(t, 3, job.ReturnValue)
			require.Empty(t, cmp.Diff([]string{"Error: attempt 1 failed", "Error: attempt 2 failed", "Error: attempt 3 failed"}, job.Stacktrace))
		})
	}
}

// operationCases are operations on a job that was added with some options and
// has perhaps been run.
var operationCases = map[string]struct {
	job       bulkJob
	run       bullmq.JobState // where a worker leaves the job before the operation; "" without one
	operation string
	arg       int
	refused   bool
	since6    bool // version 5 does something else
}{
	"retry of a failed job":               {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"attempts":2}`)}, bullmq.StateFailed, "retry", 0, false, false},
	"retry of a failed prioritized job":   {bulkJob{"fail", raw(`{"message":"no"}`), raw(`{"priority":9}`)}, bullmq.StateFailed, "retry", 0, false, true},
	"retry of a completed job":            {bulkJob{"echo", raw(`{}`), nil}, bullmq.StateCompleted, "retry", 0, false, false},
	"promotion":                           {bulkJob{"echo", raw(`{}`), raw(`{"delay":3600000}`)}, "", "promote", 0, false, false},
	"promotion of a prioritized job":      {bulkJob{"echo", raw(`{}`), raw(`{"delay":3600000,"priority":2}`)}, "", "promote", 0, false, false},
	"promotion of a job that waits":       {bulkJob{"echo", raw(`{}`), nil}, "", "promote", 0, true, false},
	"removal of a waiting job":            {bulkJob{"echo", raw(`{}`), nil}, "", "remove", 0, false, false},
	"removal of a delayed job":            {bulkJob{"echo", raw(`{}`), raw(`{"delay":3600000}`)}, "", "remove", 0, false, false},
	"removal of a prioritized job":        {bulkJob{"echo", raw(`{}`), raw(`{"priority":2}`)}, "", "remove", 0, false, false},
	"removal of a completed job":          {bulkJob{"report", raw(`{}`), nil}, bullmq.StateCompleted, "remove", 0, false, false},
	"removal of a failed job":             {bulkJob{"fail", raw(`{"message":"no"}`), nil}, bullmq.StateFailed, "remove", 0, false, false},
	"change of a delay":                   {bulkJob{"echo", raw(`{}`), raw(`{"delay":3600000}`)}, "", "changeDelay", 7200000, false, false},
	"change of a delay that is not there": {bulkJob{"echo", raw(`{}`), nil}, "", "changeDelay", 7200000, true, false},
	"change to a priority":                {bulkJob{"echo", raw(`{}`), nil}, "", "changePriority", 4, false, false},
	"change of a priority":                {bulkJob{"echo", raw(`{}`), raw(`{"priority":2}`)}, "", "changePriority", 4, false, false},
	"change to no priority":               {bulkJob{"echo", raw(`{}`), raw(`{"priority":2}`)}, "", "changePriority", 0, false, false},
	"change of a delayed job's priority":  {bulkJob{"echo", raw(`{}`), raw(`{"delay":3600000}`)}, "", "changePriority", 4, false, false},
}

func TestOperationsOnJobsLeaveTheSameInRedis(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	v5 := engine(newVersion5(t))
	for name, c := range operationCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ways := pairs(goSide, node, v5)
			if c.since6 {
				ways = slices.DeleteFunc(ways, func(p pair) bool { return p.consumer == v5 })
			}
			requireAlike(t, ways, func(t *testing.T, p pair) keyspace {
				ctx, q := testContext(t), newQueue(t)
				id, err := p.producer.add(ctx, q, c.job.Name, c.job.Data, c.job.Opts)
				require.NoError(t, err)
				if c.run != "" {
					stop := p.consumer.startWorker(t, q, workerOptions{})
					awaitState(t, ctx, p.producer, q, id, c.run)
					stop()
				}
				err = p.consumer.do(ctx, q, id, c.operation, c.arg)
				require.Equal(t, c.refused, err != nil, "%v", err)
				d, err := dump(ctx, redisOf(t), q)
				require.NoError(t, err)
				return d.timeless()
			})
		})
	}
}
