package topology

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// TestRefusedCallsAreRepeated has a server refuse writes for a while, as one
// does in the course of a failover.
func TestRefusedCallsAreRepeated(t *testing.T) {
	t.Parallel()
	master := testenv.StartRedis(t)
	host, port, err := master.HostPort()
	require.NoError(t, err)
	for name, refusal := range map[string]struct{ begin, end []string }{
		"as a replica":     {[]string{"REPLICAOF", host, port}, []string{"REPLICAOF", "NO", "ONE"}},
		"without replicas": {[]string{"CONFIG", "SET", "min-replicas-to-write", "1"}, []string{"CONFIG", "SET", "min-replicas-to-write", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.StartRedis(t)
			r := openRedis(t, server.URL, nil)
			impatient := openRedis(t, server.URL, &bullmq.RedisOptions{CallTimeout: 300 * time.Millisecond})
			work(t, r, plainQueue, bullmq.WorkerOptions{DrainDelay: 50 * time.Millisecond, Hooks: quiet}, echo)
			_, err := server.Do(refusal.begin...)
			require.NoError(t, err)

			_, err = newQueue(t, impatient, plainQueue).Add(t.Context(), "job", nil, nil)
			require.Error(t, err)
			q := newQueue(t, r, plainQueue)
			added := make(chan error, 1)
			go func() {
				_, err := q.Add(t.Context(), "job", nil, nil)
				added <- err
			}()
			select {
			case err := <-added:
				t.Fatalf("added to a server that takes nothing: %v", err)
			case <-time.After(100 * time.Millisecond):
			}
			_, err = server.Do(refusal.end...)
			require.NoError(t, err)
			require.NoError(t, <-added)
			waitCount(t, q, bullmq.StateCompleted, 1)
		})
	}
}
