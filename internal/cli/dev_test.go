package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var asAdmin = []string{"JOBRUNNER_ADMIN_EMAIL=admin@example.com", "JOBRUNNER_ADMIN_PASSWORD=correct horse battery"}

func beginDev(t *testing.T, dir string) (c *command, baseURL string) {
	t.Helper()
	env := append([]string{"HOME=" + t.TempDir()}, asAdmin...)
	c = begin(t, env, "dev", "--listen", "127.0.0.1:0", "--data-dir", dir)
	baseURL = c.find(t, `Web client +(\S+)`)
	c.find(t, `Data +(\S+)`)
	return c, baseURL
}

func login(t *testing.T, baseURL string) (token string) {
	t.Helper()
	reply := post(t, baseURL+"/api/v1/auth/login", map[string]string{"email": "admin@example.com", "password": "correct horse battery"})
	requireStatus(t, http.StatusOK, reply)
	var body struct{ AccessToken string }
	require.NoError(t, json.NewDecoder(reply.Body).Decode(&body))
	return body.AccessToken
}

func TestDevRunsAJobAndKeepsItOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, baseURL := beginDev(t, dir)
	token := login(t, baseURL)
	redisURL := first.find(t, `Redis +(\S+)`)

	queue := openQueue(t, redisURL, "default")
	job, err := queue.Add(t.Context(), "echo", json.RawMessage(`{"hello":"world"}`), nil)
	require.NoError(t, err)
	requireCompleted(t, queue, job.ID)

	first.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, first.wait(t), first.stderr.String())
	require.FileExists(t, filepath.Join(dir, "jobrunner.db"))

	second, baseURL := beginDev(t, dir)
	require.Equal(t, redisURL, second.find(t, `Redis +(\S+)`))
	requireStatus(t, http.StatusOK, getAs(t, token, baseURL+"/api/v1/queues/default/jobs/"+job.ID))
}

func TestDevRefusesADataDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	beginDev(t, dir)
	c, code := run(t, nil, "dev", "--listen", "127.0.0.1:0", "--data-dir", dir)
	require.Equal(t, exitFailed, code)
	require.Contains(t, c.stderr.String(), "is in use by the process")
}

func TestDevWithoutARedisServerSaysHowToGetOne(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c, code := run(t, nil, "dev", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir())
	require.Equal(t, exitFailed, code)
	require.Contains(t, c.stderr.String(), "apt-get install redis-server")
}

func TestASecondSignalDoesNotWaitForACommandThatCannotHurry(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, 2)
	signals <- syscall.SIGTERM
	signals <- syscall.SIGTERM
	asked := 0
	code, err := (&Process{Signals: signals}).wait(func() { asked++ }, nil)
	require.Equal(t, exitForced, code)
	require.ErrorContains(t, err, "by force")
	require.Equal(t, 1, asked)
}

func openQueue(t *testing.T, redisURL, name string) *bullmq.Queue {
	t.Helper()
	backend, err := bullmq.OpenRedis(t.Context(), redisURL, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	queue, err := bullmq.NewQueue(backend, name, nil)
	require.NoError(t, err)
	return queue
}

func requireCompleted(t *testing.T, queue *bullmq.Queue, id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		job, err := queue.Job(t.Context(), id)
		if err != nil {
			return false
		}
		state, err := job.State(t.Context())
		return err == nil && state == bullmq.StateCompleted
	}, 30*time.Second, 10*time.Millisecond)
}

func getAs(t *testing.T, token, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, strings.NewReader(""))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Close = true
	reply, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = reply.Body.Close() })
	return reply
}
