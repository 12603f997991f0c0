package topology

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

const sharedJobs = 50

// nodeCommand is npm bullmq on the cluster, which ends when it has done its part.
func nodeCommand(t *testing.T, cluster *testenv.RedisCluster, mode string, ref bullmq.QueueRef) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat("../../node_modules/bullmq/package.json"); err != nil {
		t.Fatal("npm bullmq is not installed; run npm ci in the project's root")
	}
	host, port, err := net.SplitHostPort(cluster.Masters[0].Addr)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, "node", "node/cluster.mjs", mode, host, port, ref.Prefix, ref.Name, strconv.Itoa(sharedJobs))
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("node: %w: %s", err, out)
	}
	return nil
}

// doubles are the results that all shared jobs must have.
func doubles() (numbers []int) {
	for n := range sharedJobs {
		numbers = append(numbers, 2*n)
	}
	return numbers
}

func testJobsFromNode(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	ref := bullmq.QueueRef{Prefix: "{from-node}", Name: "q"}
	work(t, r, ref, bullmq.WorkerOptions{Concurrency: 10}, func(_ context.Context, job *bullmq.Job) (any, error) {
		var data struct{ N int }
		err := json.Unmarshal(job.Data, &data)
		return 2 * data.N, err
	})
	require.NoError(t, run(nodeCommand(t, cluster, "add", ref)))
	q := newQueue(t, r, ref)
	waitCount(t, q, bullmq.StateCompleted, sharedJobs)
	require.Equal(t, doubles(), results(t, q))
}

func testJobsForNode(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	q := newQueue(t, r, bullmq.QueueRef{Prefix: "{for-node}", Name: "q"})
	cmd := nodeCommand(t, cluster, "work", q.Ref())
	done := make(chan error, 1)
	go func() { done <- run(cmd) }()
	jobs := make([]bullmq.BulkJob, sharedJobs)
	for i := range jobs {
		jobs[i] = bullmq.BulkJob{Name: "job", Data: map[string]int{"n": i}}
	}
	_, err := q.AddBulk(t.Context(), jobs)
	require.NoError(t, err)
	require.NoError(t, <-done)
	waitCount(t, q, bullmq.StateCompleted, sharedJobs)
	require.Equal(t, doubles(), results(t, q))
}
