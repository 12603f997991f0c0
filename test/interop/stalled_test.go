package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// doomedWorkerEnv holds the queue of a Go worker in a process of its own, as
// "<prefix>:<name>", and makes this program be that worker.
const (
	doomedWorkerEnv = "INTEROP_DOOMED_WORKER"
	doomedRedisEnv  = "INTEROP_DOOMED_REDIS"
)

// doomedOptions let a job be taken back soon after its worker was killed.
var doomedOptions = workerOptions{LockDuration: 1000, StalledInterval: 200}

// runDoomedWorker takes jobs and finishes none.
func runDoomedWorker() int {
	ctx := context.Background()
	q, ok := bullmq.ParseQueueRef(os.Getenv(doomedWorkerEnv))
	if !ok {
		return 2
	}
	redis, err := bullmq.OpenRedis(ctx, os.Getenv(doomedRedisEnv), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doomed worker:", err)
		return 1
	}
	worker, err := bullmq.NewWorker(redis, q.Name, hang, goWorkerOptions(q.Prefix, doomedOptions))
	if err != nil {
		fmt.Fprintln(os.Stderr, "doomed worker:", err)
		return 1
	}
	if err := worker.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "doomed worker:", err)
	}
	return 1
}

func hang(ctx context.Context, _ *bullmq.Job) (any, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// startDoomed starts a worker in a process of its own, which takes a job and is
// then killed.
func startDoomed(t *testing.T, e engine, q bullmq.QueueRef) (kill func()) {
	t.Helper()
	if n, isNode := e.(*nodeEngine); isNode {
		p := startPeer(t, n.library)
		require.NoError(t, p.call(testContext(t), "startWorker", params{"queue": nodeQueue(q), "options": doomedOptions, "hang": true}, nil))
		return p.kill
	}
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), doomedWorkerEnv+"="+q.String(), doomedRedisEnv+"="+testenv.RedisURL(t))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	return kill
}

func TestAJobOfAKilledWorkerIsRunByTheOtherEngine(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	// The producer's side is killed.
	requireAlike(t, pairs(goSide, node, newVersion5(t)), func(t *testing.T, p pair) ending {
		ctx, q := testContext(t), newQueue(t)
		nodeSeen, goSeen := node.follow(t, q), goSide.follow(t, q)
		kill := startDoomed(t, p.producer, q)
		id, err := p.consumer.add(ctx, q, "echo", raw(`{"n":1}`), nil)
		require.NoError(t, err)
		awaitState(t, ctx, p.consumer, q, id, bullmq.StateActive)
		kill()

		stop := p.consumer.startWorker(t, q, doomedOptions)
		awaitState(t, ctx, p.consumer, q, id, bullmq.StateCompleted)
		stop()
		got := endingOf(t, q, id, node, goSide, nodeSeen, goSeen)
		require.Equal(t, 1, got.Job.StalledCounter)
		require.Equal(t, 2, got.Job.AttemptsStarted)
		require.Equal(t, 1, got.Job.AttemptsMade)
		return got
	})
}

func TestAJobThatStallsTooOftenFails(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	requireAlike(t, pairs(goSide, node, newVersion5(t)), func(t *testing.T, p pair) ending {
		ctx, q := testContext(t), newQueue(t)
		nodeSeen, goSeen := node.follow(t, q), goSide.follow(t, q)
		id, err := p.consumer.add(ctx, q, "echo", raw(`{}`), raw(`{"attempts":5}`))
		require.NoError(t, err)
		for stalls := range 2 {
			kill := startDoomed(t, p.producer, q)
			eventually(t, "a doomed worker has taken the job", func() (bool, error) {
				job, err := p.consumer.job(ctx, q, id)
				return job.State == string(bullmq.StateActive) && job.AttemptsStarted == stalls+1, err
			})
			kill()
		}
		stop := p.consumer.startWorker(t, q, doomedOptions)
		awaitState(t, ctx, p.consumer, q, id, bullmq.StateFailed)
		stop()
		got := endingOf(t, q, id, node, goSide, nodeSeen, goSeen)
		require.Equal(t, "job stalled more than allowable limit", got.Job.FailedReason)
		return got
	})
}
