package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestWorkerServesTheQueuesAndHandlersItWasTold(t *testing.T) {
	t.Parallel()
	handlers := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(handlers, "greet.mjs"), []byte(
		`export default { name: "greet", execute: async (job) => "hello " + job.data.name };`), 0o600))
	server := testenv.StartRedis(t)
	c := begin(t, nil, "worker", "--redis", server.URL, "--queue", "mail=2", "--queue", "reports",
		"--handlers", handlers, "--cache-dir", t.TempDir())

	for _, name := range []string{"mail", "reports"} {
		queue := openQueue(t, server.URL, name)
		job, err := queue.Add(t.Context(), "greet", json.RawMessage(`{"name":"you"}`), nil)
		require.NoError(t, err)
		requireCompleted(t, queue, job.ID)
		job, err = queue.Job(t.Context(), job.ID)
		require.NoError(t, err)
		require.JSONEq(t, `"hello you"`, string(job.ReturnValue))
	}

	c.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, c.wait(t), c.stderr.String())
}
