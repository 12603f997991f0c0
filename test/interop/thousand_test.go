package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// thousand is 1,000 jobs of which each has its own result.
func thousand() []bulkJob {
	jobs := make([]bulkJob, 1000)
	for i := range jobs {
		jobs[i] = bulkJob{Name: "echo", Data: raw(fmt.Sprintf(`{"n":%d}`, i))}
	}
	return jobs
}

// result is what the job of this index returns.
func result(i int) string { return fmt.Sprintf(`{"echo":{"n":%d}}`, i) }

func TestNodeSeesTheResultsOfAThousandJobsRunByGo(t *testing.T) {
	t.Parallel()
	goSide := newGoEngine(t)
	for _, node := range []*nodeEngine{newNodeEngine(t), newVersion5(t)} {
		t.Run(nameOf(node), func(t *testing.T) {
			t.Parallel()
			ctx, q := testContext(t), newQueue(t)
			node.follow(t, q)
			ids, err := node.addBulk(ctx, q, thousand())
			require.NoError(t, err)
			goSide.startWorker(t, q, workerOptions{Concurrency: 20})

			results, err := node.waitUntilFinished(ctx, q, ids)
			require.NoError(t, err)
			requireResults(t, results)
			awaitCounts(t, ctx, node, q, map[string]int64{"completed": 1000})
		})
	}
}

// requireResults checks that Node saw the result of each of the thousand.
func requireResults(t *testing.T, results []finished) {
	t.Helper()
	require.Len(t, results, 1000)
	for i, r := range results {
		require.Empty(t, r.Error)
		text, err := json.Marshal(r.Value)
		require.NoError(t, err)
		require.JSONEq(t, result(i), string(text))
	}
}

func TestGoSeesTheResultsOfAThousandJobsRunByNode(t *testing.T) {
	t.Parallel()
	goSide := newGoEngine(t)
	for _, node := range []*nodeEngine{newNodeEngine(t), newVersion5(t)} {
		t.Run(nameOf(node), func(t *testing.T) {
			t.Parallel()
			ctx, q := testContext(t), newQueue(t)
			events := runQueueEvents(t, goSide, q)
			ids, err := goSide.addBulk(ctx, q, thousand())
			require.NoError(t, err)
			node.startWorker(t, q, workerOptions{Concurrency: 20})

			for i, id := range ids {
				value, err := events.Wait(ctx, id)
				require.NoError(t, err)
				require.JSONEq(t, result(i), string(value))
			}
			awaitCounts(t, ctx, goSide, q, map[string]int64{"completed": 1000})
		})
	}
}

// runQueueEvents follows a queue in Go until the test ends.
func runQueueEvents(t *testing.T, e *goEngine, q bullmq.QueueRef) *bullmq.QueueEvents {
	t.Helper()
	events := bullmq.NewQueueEvents(e.queue(q), nil)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var run sync.WaitGroup
	run.Go(func() {
		if err := events.Run(ctx, nil); err != nil {
			t.Errorf("queue events of %s: %v", q, err)
		}
	})
	t.Cleanup(func() { cancel(); run.Wait() })
	return events
}
