package topology

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// quiet keeps what a worker says of lost connections out of the test's output.
var quiet = bullmq.WorkerHooks{Error: func(error) {}}

// load is a producer and a worker that go on whatever happens to the server.
type load struct {
	queue *bullmq.Queue

	mu           sync.Mutex
	acknowledged map[string]bool // guarded by mu; by job id
	worked       map[string]bool // guarded by mu
}

// startLoad has jobs worked and, until the returned function is called, added.
// An add that fails is repeated with the same id until it succeeds.
func startLoad(t *testing.T, r *bullmq.Redis, ref bullmq.QueueRef) (l *load, stop func()) {
	t.Helper()
	l = &load{queue: newQueue(t, r, ref), acknowledged: map[string]bool{}, worked: map[string]bool{}}
	work(t, r, ref, bullmq.WorkerOptions{
		Concurrency: 10, LockDuration: 2 * time.Second, StalledInterval: 500 * time.Millisecond, MaxStalledCount: 100,
		Hooks: quiet,
	}, l.process)
	ctx, cancel := context.WithCancel(t.Context())
	var producers sync.WaitGroup
	for p := range 4 {
		producers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.add(ctx, strconv.Itoa(p)+"-"+strconv.Itoa(n))
			}
		})
	}
	stop = func() {
		cancel()
		producers.Wait()
	}
	t.Cleanup(stop)
	return l, stop
}

func (l *load) process(_ context.Context, job *bullmq.Job) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worked[job.ID] = true
	return nil, nil
}

func (l *load) add(ctx context.Context, id string) {
	id = "job-" + id
	for ctx.Err() == nil {
		if _, err := l.queue.Add(ctx, "job", nil, &bullmq.JobOptions{ID: id}); err == nil {
			l.mu.Lock()
			l.acknowledged[id] = true
			l.mu.Unlock()
			break
		}
		pause(ctx, 20*time.Millisecond)
	}
	pause(ctx, 2*time.Millisecond)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (l *load) total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// missing returns the acknowledged jobs that no worker has had.
func (l *load) missing() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.acknowledged {
		if !l.worked[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// awaitProgress waits until more jobs have been acknowledged.
func (l *load) awaitProgress(t *testing.T) {
	t.Helper()
	before := l.total()
	eventually(t, "producers go on", func() bool { return l.total() >= before+100 })
}

// requireNothingLost checks that every acknowledged job was worked, and that
// none is left over.
func (l *load) requireNothingLost(t *testing.T) {
	t.Helper()
	defer func() {
		if t.Failed() {
			counts, err := l.queue.Counts(context.Background())
			t.Logf("missing %v; counts %v, %v", l.missing(), counts, err)
		}
	}()
	eventually(t, "every acknowledged job is worked", func() bool { return len(l.missing()) == 0 })
	eventually(t, "nothing is left over", func() bool {
		counts, err := l.queue.Counts(t.Context())
		return err == nil && counts.Total() == counts[bullmq.StateCompleted]
	})
	t.Logf("%d jobs acknowledged, all worked", l.total())
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	replicated := []string{"--min-replicas-to-write", "1"}
	s := testenv.StartRedisSentinel(t, 3, nil, replicated...)
	r := openRedis(t, s.URL, &bullmq.RedisOptions{WaitReplicas: 1, CallTimeout: 2 * time.Second})
	l, stop := startLoad(t, r, plainQueue)
	events := countEvents(t, r, []bullmq.QueueRef{plainQueue})
	idle := bullmq.QueueRef{Prefix: "bull", Name: "idle"}
	work(t, r, idle, bullmq.WorkerOptions{DrainDelay: time.Minute, Hooks: quiet}, echo)
	l.awaitProgress(t)

	s.Master.Stop()
	// A master that came back empty too early would have its emptiness replicated.
	require.NoError(t, s.AwaitMaster(s.Replica))
	s.Master.Reconfigure(append(s.Replica.ReplicaArgs(), replicated...)...)
	require.NoError(t, s.Master.Start())
	l.awaitProgress(t)
	before := events.total()
	eventually(t, "events go on", func() bool { return events.total() > before })

	eventually(t, "the master has a replica again for longer than a call may take", func() bool {
		_, err := newQueue(t, r, idle).Add(t.Context(), "job", nil, &bullmq.JobOptions{ID: "wakes"})
		return err == nil
	})
	waitCount(t, newQueue(t, r, idle), bullmq.StateCompleted, 1)
	stop()
	l.requireNothingLost(t)
}

func TestSentinelUsers(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	s := testenv.StartRedisSentinel(t, 1, []string{"user watcher on >" + secret + " ~* &* +@all"},
		"--user", "app", "on", ">"+secret, "~*", "&*", "+@all", "--maxmemory-policy", "allkeys-lru")
	address := "redis://app:" + secret + "@" + s.Sentinels[0].Addr + "/2?master_set=" + testenv.MasterSet
	var log logBuffer
	r := openRedis(t, address, &bullmq.RedisOptions{SentinelUsername: "watcher", SentinelPassword: secret, Logger: log.logger()})
	roundTrip(t, r, plainQueue)
	require.Contains(t, log.String(), "policy=allkeys-lru")
	openRedis(t, address+"&sentinel_username=watcher&sentinel_password="+secret, nil)

	for name, bad := range map[string]string{
		"sentinel password": address + "&sentinel_username=watcher&sentinel_password=" + secret + "x",
		"master's name":     address + "x",
		"master's password": "redis://app:" + secret + "x@" + s.Sentinels[0].Addr + "?master_set=" + testenv.MasterSet,
	} {
		_, err := bullmq.OpenRedis(t.Context(), bad, nil)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), secret)
	}
}

func TestClusterFailover(t *testing.T) {
	t.Parallel()
	cluster := testenv.StartRedisCluster(t, 3)
	doomed := cluster.Masters[1]
	replica := cluster.AddReplica(t, doomed)
	ref := bullmq.QueueRef{Prefix: "{fails}", Name: "q"}
	for i := 0; cluster.Masters[cluster.Owner(slotOf(t, cluster, ref))] != doomed; i++ {
		ref.Prefix = "{fails" + strconv.Itoa(i) + "}"
	}
	safe := openRedis(t, cluster.URL, &bullmq.RedisOptions{WaitReplicas: 1})
	l, stop := startLoad(t, safe, ref)
	events := countEvents(t, safe, []bullmq.QueueRef{ref})
	l.awaitProgress(t)
	stop()

	doomed.Stop()
	require.NoError(t, replica.AwaitMaster())
	// The promoted replica has none of its own.
	q := newQueue(t, openRedis(t, cluster.URL, nil), ref)
	before := events.total()
	var job *bullmq.Job
	eventually(t, "the cluster names the new master", func() bool {
		var err error
		job, err = q.Add(t.Context(), "after", nil, nil)
		return err == nil
	})
	eventually(t, "worker goes on", func() bool {
		state, err := q.Job(t.Context(), job.ID)
		return err == nil && !state.FinishedOn.IsZero()
	})
	eventually(t, "events go on", func() bool { return events.total() > before })
	l.requireNothingLost(t)
}
