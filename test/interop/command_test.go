package interop

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// doubleHandler is a handler file as users write them.
const doubleHandler = `
export default {
  name: "double",
  description: "Doubles a number",
  version: "1.0.0",
  async execute(job) {
    await job.updateProgress(50);
    await job.log("doubling " + job.data.n);
    return { doubled: job.data.n * 2 };
  },
};
`

// buildCommand builds the jobrunner binary.
func buildCommand(t *testing.T) (path string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "jobrunner")
	output, err := exec.Command("go", "build", "-o", binary, "../../cmd/jobrunner").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return binary
}

func TestNodeSeesTheResultsOfAThousandJobsRunByTheWorkerCommand(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	ctx, q := testContext(t), newQueue(t)
	binary := buildCommand(t)
	handlers := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(handlers, "double.mjs"), []byte(doubleHandler), 0o600))

	node.follow(t, q)
	jobs := thousand()
	for i := range jobs {
		jobs[i].Name = "double"
	}
	ids, err := node.addBulk(ctx, q, jobs)
	require.NoError(t, err)
	worker := exec.Command(binary, "worker", "--redis", testenv.RedisURL(t), "--prefix", q.Prefix,
		"--queue", q.Name+"=20", "--handlers", handlers, "--cache-dir", t.TempDir())
	var output bytes.Buffer
	worker.Stdout, worker.Stderr = &output, &output
	worker.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, worker.Start())
	exited := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		exited <- worker.Wait()
		cancel() // nobody is left to wait for
	}()
	t.Cleanup(func() {
		_ = worker.Process.Kill()
		if t.Failed() {
			t.Logf("the worker wrote:\n%s", output.Bytes())
		}
	})

	results, err := node.(*nodeEngine).waitUntilFinished(ctx, q, ids)
	require.NoError(t, err)
	require.Len(t, results, len(jobs))
	for i, r := range results {
		require.Empty(t, r.Error)
		require.Equal(t, map[string]any{"doubled": float64(2 * i)}, r.Value)
	}
	job := requireSameJob(t, q, ids[7], node, goSide)
	require.Equal(t, []string{"doubling 7"}, job.Logs)
	require.EqualValues(t, 50, job.Progress)
	eventually(t, "Node lists the worker", func() (bool, error) {
		names, err := node.workers(ctx, q)
		return len(names) == 1, err
	})

	require.NoError(t, worker.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-exited, "the worker ends in order")
	awaitCounts(t, testContext(t), node, q, map[string]int64{"completed": 1000})
}
