package topology

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// TestCluster has one cluster of three masters for all that does not break it.
func TestCluster(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, 3)
	for name, test := range map[string]func(*testing.T, *testenv.RedisCluster){
		"many queues on all nodes":        testQueuesOnAllNodes,
		"schedulers, delays, retries":     testTimedJobs,
		"flow within a slot":              testFlowWithinSlot,
		"flow across slots":               testFlowAcrossSlots,
		"parent in another slot":          testParentAcrossSlots,
		"queue without a hash tag":        testQueueWithoutHashTag,
		"jobs from Node":                  testJobsFromNode,
		"jobs for Node":                   testJobsForNode,
		"slot that moves under load":      testSlotMoves,
		"hash tags are the server's":      testHashTags,
		"eviction on one of the masters":  testEvictionOnOneMaster,
		"producer waits for the replicas": testNoReplicas,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, cluster)
		})
	}
}

// spreadQueues are queues on each of the cluster's masters.
func spreadQueues(t *testing.T, cluster *testenv.RedisCluster, prefix string, each int) []bullmq.QueueRef {
	t.Helper()
	var refs []bullmq.QueueRef
	owned := make([]int, len(cluster.Masters))
	for i := 0; len(refs) < each*len(owned); i++ {
		ref := bullmq.QueueRef{Prefix: fmt.Sprintf("{%s%d}", prefix, i), Name: "q" + strconv.Itoa(i)}
		if owner := cluster.Owner(slotOf(t, cluster, ref)); owned[owner] < each {
			owned[owner]++
			refs = append(refs, ref)
		}
	}
	return refs
}

func slotOf(t *testing.T, cluster *testenv.RedisCluster, ref bullmq.QueueRef) int {
	t.Helper()
	text, err := cluster.Masters[0].Do("CLUSTER", "KEYSLOT", ref.Prefix+":"+ref.Name)
	require.NoError(t, err)
	slot, err := strconv.Atoi(text)
	require.NoError(t, err)
	return slot
}

func testQueuesOnAllNodes(t *testing.T, cluster *testenv.RedisCluster) {
	const bulk, single = 300, 5
	r := openRedis(t, cluster.URL, nil)
	refs := spreadQueues(t, cluster, "spread", 2)
	finished := countEvents(t, r, refs)

	var producers sync.WaitGroup
	for _, ref := range refs {
		work(t, r, ref, bullmq.WorkerOptions{Name: "w-" + ref.Name, Concurrency: 10}, echo)
		q := newQueue(t, r, ref)
		producers.Go(func() {
			jobs := make([]bullmq.BulkJob, bulk)
			for i := range jobs {
				jobs[i] = bullmq.BulkJob{Name: "bulk", Data: i}
			}
			if _, err := q.AddBulk(t.Context(), jobs); err != nil {
				t.Errorf("bulk to %s: %v", ref, err)
			}
			for range single {
				if _, err := q.Add(t.Context(), "single", nil, nil); err != nil {
					t.Errorf("add to %s: %v", ref, err)
				}
			}
		})
	}
	producers.Wait()
	for _, ref := range refs {
		waitCount(t, newQueue(t, r, ref), bullmq.StateCompleted, bulk+single)
	}
	eventually(t, "an event for every job", func() bool { return finished.total() == int64(len(refs)*(bulk+single)) })

	counts, err := r.Counts(t.Context(), refs)
	require.NoError(t, err)
	metas, err := r.Meta(t.Context(), refs)
	require.NoError(t, err)
	for i, ref := range refs {
		require.Equal(t, int64(bulk+single), counts[i].Total())
		require.True(t, metas[i].Exists)
		queues, err := r.Queues(t.Context(), ref.Prefix)
		require.NoError(t, err)
		require.Equal(t, []string{ref.Name}, queues)
		workers, err := r.Workers(t.Context(), ref.Prefix)
		require.NoError(t, err)
		require.Len(t, workers, 1)
		require.Equal(t, "w-"+ref.Name, workers[0].Name)
	}
}

// eventCounter counts the completed events of each queue.
type eventCounter struct {
	mu     sync.Mutex
	counts map[bullmq.QueueRef]int64 // guarded by mu
}

func (c *eventCounter) total() (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, count := range c.counts {
		n += count
	}
	return n
}

// countEvents follows all the queues with one reader until the test ends.
func countEvents(t *testing.T, r *bullmq.Redis, refs []bullmq.QueueRef) *eventCounter {
	t.Helper()
	counter := &eventCounter{counts: map[bullmq.QueueRef]int64{}}
	reader := bullmq.NewEventReader(r, &bullmq.EventReaderOptions{Block: 200 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, reader.Follow(t.Context(), refs...))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	last := map[bullmq.QueueRef]string{}
	go func() {
		done <- reader.Run(ctx, func(e bullmq.Event) {
			if previous := last[e.Queue]; previous == e.ID {
				t.Errorf("event %s of %s came twice", e.ID, e.Queue)
			}
			last[e.Queue] = e.ID
			if e.Type == bullmq.EventCompleted {
				counter.mu.Lock()
				counter.counts[e.Queue]++
				counter.mu.Unlock()
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return counter
}

func testTimedJobs(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	for _, ref := range spreadQueues(t, cluster, "timed", 1) {
		q := newQueue(t, r, ref)
		work(t, r, ref, bullmq.WorkerOptions{Concurrency: 3}, func(_ context.Context, job *bullmq.Job) (any, error) {
			if job.Name == "fails once" && job.AttemptsMade == 0 {
				return nil, context.DeadlineExceeded
			}
			return "done", nil
		})
		_, err := q.UpsertJobScheduler(t.Context(), "tick", bullmq.RepeatOptions{Every: 50 * time.Millisecond, Limit: 3}, bullmq.JobTemplate{Name: "tick"})
		require.NoError(t, err)
		_, err = q.Add(t.Context(), "later", nil, &bullmq.JobOptions{Delay: 20 * time.Millisecond})
		require.NoError(t, err)
		_, err = q.Add(t.Context(), "fails once", nil, &bullmq.JobOptions{Attempts: 2, Backoff: &bullmq.Backoff{Type: bullmq.BackoffFixed, Delay: 20 * time.Millisecond}})
		require.NoError(t, err)
		waitCount(t, q, bullmq.StateCompleted, 5)
	}
}

func testFlowWithinSlot(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	parents := bullmq.QueueRef{Prefix: "{flow}", Name: "parents"}
	children := bullmq.QueueRef{Prefix: "{flow}", Name: "children"}
	work(t, r, children, bullmq.WorkerOptions{Concurrency: 5}, echo)
	work(t, r, parents, bullmq.WorkerOptions{}, func(ctx context.Context, job *bullmq.Job) (any, error) {
		values, err := job.ChildrenValues(ctx)
		return len(values), err
	})
	flow := bullmq.FlowJob{Name: "sum", Queue: parents.Name}
	for i := range 20 {
		flow.Children = append(flow.Children, bullmq.FlowJob{Name: "part", Queue: children.Name, Data: i})
	}
	added, err := bullmq.NewFlowProducer(r, &bullmq.FlowOptions{Prefix: parents.Prefix}).Add(t.Context(), flow)
	require.NoError(t, err)
	q := newQueue(t, r, parents)
	waitCount(t, q, bullmq.StateCompleted, 1)
	job, err := q.Job(t.Context(), added.Job.ID)
	require.NoError(t, err)
	require.JSONEq(t, "20", string(job.ReturnValue))
}

func testFlowAcrossSlots(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	_, err := bullmq.NewFlowProducer(r, nil).Add(t.Context(), bullmq.FlowJob{
		Name: "parent", Queue: "q", Prefix: "{apart1}", Children: []bullmq.FlowJob{
			{Name: "near", Queue: "q", Prefix: "{apart1}"}, {Name: "far", Queue: "q", Prefix: "{apart2}"},
		},
	})
	var slots *bullmq.SlotError
	require.ErrorAs(t, err, &slots)
	require.Equal(t, "{apart1}:q", slots.Queue.String())
	require.Equal(t, "{apart2}:q", slots.Other.String())
	require.Empty(t, keysWith(t, cluster, "apart"))
}

func testParentAcrossSlots(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	q := newQueue(t, r, bullmq.QueueRef{Prefix: "{orphan}", Name: "q"})
	_, err := q.Add(t.Context(), "child", nil, &bullmq.JobOptions{Parent: &bullmq.ParentRef{ID: "1", Queue: "{parent}:q"}})
	var slots *bullmq.SlotError
	require.ErrorAs(t, err, &slots)
	require.Empty(t, keysWith(t, cluster, "orphan"))
}

func testQueueWithoutHashTag(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	for _, prefix := range []string{"", "untagged", "untagged{}", "untagged{", "untagged}{"} {
		var slots *bullmq.SlotError
		_, err := bullmq.NewQueue(r, "q", &bullmq.QueueOptions{Prefix: prefix})
		require.ErrorAs(t, err, &slots, prefix)
		require.ErrorContains(t, err, "{bull}")
		_, err = bullmq.NewWorker(r, "q", echo, &bullmq.WorkerOptions{Prefix: prefix})
		require.ErrorAs(t, err, &slots, prefix)
		_, err = bullmq.NewFlowProducer(r, &bullmq.FlowOptions{Prefix: prefix}).Add(t.Context(), bullmq.FlowJob{Name: "job", Queue: "q"})
		require.ErrorAs(t, err, &slots, prefix)
	}
	require.Empty(t, keysWith(t, cluster, "untagged"))

	roundTrip(t, r, bullmq.QueueRef{Prefix: "bull", Name: "{tagged name}"})
	require.NoError(t, openRedis(t, testenv.RedisURL(t), nil).CheckQueue(plainQueue), "a single server needs no tags")
}

// testHashTags tries every short prefix of the characters that matter.
func testHashTags(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, nil)
	client := r.Client()
	prefixes := []string{""}
	for i := 0; i < len(prefixes) && len(prefixes[i]) < 4; i++ {
		for _, c := range []string{"{", "}", "a"} {
			prefixes = append(prefixes, prefixes[i]+c)
		}
	}
	for _, prefix := range prefixes[1:] {
		slots := map[int64]bool{}
		for _, suffix := range []string{"wait", "}", "{b}", "1:lock"} {
			slot, err := client.Do(t.Context(), client.B().ClusterKeyslot().Key(prefix+":q:"+suffix).Build()).AsInt64()
			require.NoError(t, err)
			slots[slot] = true
		}
		_, err := bullmq.NewQueue(r, "q", &bullmq.QueueOptions{Prefix: prefix})
		require.Equal(t, len(slots) == 1, err == nil, "prefix %s: %v", prefix, err)
	}
}

func testEvictionOnOneMaster(t *testing.T, cluster *testenv.RedisCluster) {
	const policy = "volatile-lru"
	odd := cluster.Masters[2]
	_, err := odd.Do("CONFIG", "SET", "maxmemory-policy", policy)
	require.NoError(t, err)
	var log logBuffer
	openRedis(t, cluster.URL, &bullmq.RedisOptions{Logger: log.logger()})
	require.Equal(t, 1, strings.Count(log.String(), policy), log.String())
	require.Contains(t, log.String(), odd.Addr)
}

func testNoReplicas(t *testing.T, cluster *testenv.RedisCluster) {
	r := openRedis(t, cluster.URL, &bullmq.RedisOptions{WaitReplicas: 1, CallTimeout: time.Second})
	q := newQueue(t, r, bullmq.QueueRef{Prefix: "{alone}", Name: "q"})
	_, err := q.Add(t.Context(), "job", nil, nil)
	require.ErrorIs(t, err, bullmq.ErrNotReplicated)
}

// keysWith returns the keys of all masters that contain a text.
func keysWith(t *testing.T, cluster *testenv.RedisCluster, text string) (keys []string) {
	t.Helper()
	for _, s := range cluster.Masters {
		answer, err := s.Do("EVAL", "return table.concat(redis.call('KEYS', ARGV[1]), ' ')", "0", "*"+text+"*")
		require.NoError(t, err)
		keys = slices.Concat(keys, strings.Fields(answer))
	}
	return keys
}

func results(t *testing.T, q *bullmq.Queue) (numbers []int) {
	t.Helper()
	jobs, err := q.Jobs(t.Context(), bullmq.JobsQuery{State: bullmq.StateCompleted, End: -1})
	require.NoError(t, err)
	for _, job := range jobs {
		var n int
		require.NoError(t, json.Unmarshal(job.ReturnValue, &n))
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}
