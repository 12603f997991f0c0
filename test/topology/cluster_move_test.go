package topology

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// testSlotMoves takes a queue's slot to another node while jobs are added and
// worked. Calls in between must neither fail nor leave half of a queue behind.
func testSlotMoves(t *testing.T, cluster *testenv.RedisCluster) {
	const before, during, after = 200, 20, 50
	r := openRedis(t, cluster.URL, nil)
	ref := bullmq.QueueRef{Prefix: "{moving}", Name: "q"}
	q := newQueue(t, r, ref)
	finished := countEvents(t, r, []bullmq.QueueRef{ref})
	var worked atomic.Int64
	work(t, r, ref, bullmq.WorkerOptions{Concurrency: 5, DrainDelay: 100 * time.Millisecond}, func(ctx context.Context, _ *bullmq.Job) (any, error) {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
		worked.Add(1)
		return nil, nil
	})
	add := func(from, n int) {
		for i := range n {
			_, err := q.Add(t.Context(), "job", nil, &bullmq.JobOptions{ID: "job-" + strconv.Itoa(from+i)})
			require.NoError(t, err)
		}
	}
	add(0, before)
	eventually(t, "work begins", func() bool { return worked.Load() > 10 })

	slot := slotOf(t, cluster, ref)
	move, err := cluster.BeginMove(slot, (cluster.Owner(slot)+1)%len(cluster.Masters))
	require.NoError(t, err)
	added := make(chan struct{})
	go func() {
		defer close(added)
		for i := range during {
			if _, err := q.Add(t.Context(), "job", nil, &bullmq.JobOptions{ID: "job-" + strconv.Itoa(before+i)}); err != nil {
				t.Errorf("add while the slot moves: %v", err)
			}
		}
	}()
	require.NoError(t, move.Finish())
	<-added
	add(before+during, after)

	const total = before + during + after
	waitCount(t, q, bullmq.StateCompleted, total)
	counts, err := q.Counts(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(total), counts.Total())
	require.GreaterOrEqual(t, worked.Load(), int64(total))
	eventually(t, "an event for every job", func() bool { return finished.total() >= total })
}
