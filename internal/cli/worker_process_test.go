package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// buildProgram builds the real program.
func buildProgram(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jobrunner")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "../../cmd/jobrunner").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// program is a process of the real program.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr buffer
	ended  chan struct{}
}

func startProgram(t *testing.T, path string, args ...string) *program {
	t.Helper()
	p := &program{t: t, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	p.cmd.Stderr = &p.stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // unless it has ended
		<-p.ended
	})
	return p
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// code is what the process ends with.
func (p *program) code() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		require.Fail(p.t, "the program did not end", p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

// logged waits until the process has logged a text a number of times.
func (p *program) logged(text string, times int) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return strings.Count(p.stderr.String(), text) >= times },
		30*time.Second, 10*time.Millisecond, "%q was not logged", text)
}

func addJob(t *testing.T, queue *bullmq.Queue, name, data string) *bullmq.Job {
	t.Helper()
	job, err := queue.Add(t.Context(), name, json.RawMessage(data), nil)
	require.NoError(t, err)
	return job
}

func requireState(t *testing.T, job *bullmq.Job, want bullmq.JobState) {
	t.Helper()
	require.Eventually(t, func() bool {
		state, err := job.State(t.Context())
		require.NoError(t, err)
		return state == want
	}, 30*time.Second, 10*time.Millisecond, "the job is never %s", want)
}

// TestAWorkersProcess is about the real program and real signals.
func TestAWorkersProcess(t *testing.T) {
	t.Parallel()
	built := buildProgram(t)
	t.Run("takes its configuration over while it runs", func(t *testing.T) {
		t.Parallel()
		takesConfigurationOver(t, built)
	})
	t.Run("gives its jobs back when its time is over", func(t *testing.T) {
		t.Parallel()
		givesJobsBack(t, built, "300ms", 1, exitOK)
	})
	t.Run("gives its jobs back at the second signal", func(t *testing.T) {
		t.Parallel()
		givesJobsBack(t, built, "1h", 2, exitForced)
	})
}

func takesConfigurationOver(t *testing.T, built string) {
	t.Helper()
	server := testenv.StartRedis(t)
	file := filepath.Join(t.TempDir(), "jobrunner.yaml")
	save := func(text string) {
		require.NoError(t, os.WriteFile(file+".tmp", []byte(text), 0o600))
		require.NoError(t, os.Rename(file+".tmp", file))
	}
	save("worker: {queues: [{name: mail}]}")
	p := startProgram(t, built, "worker", "--config", file, "--redis", server.URL, "--name", "w1", "--cache-dir", t.TempDir())
	done := addJob(t, openQueue(t, server.URL, "mail"), "echo", "1")
	requireState(t, done, bullmq.StateCompleted)
	done, err := openQueue(t, server.URL, "mail").Job(t.Context(), done.ID)
	require.NoError(t, err)
	require.Equal(t, "w1", done.ProcessedBy)

	save("worker: {queues: [{name: mail, concurrency: 3}, {pattern: sms-*}], handlers: {sleep: {disabled: true}}}")
	p.logged("queue mail: concurrency: 10 → 3", 1)
	requireState(t, addJob(t, openQueue(t, server.URL, "sms-in"), "echo", "1"), bullmq.StateCompleted)
	requireState(t, addJob(t, openQueue(t, server.URL, "mail"), "sleep", `{"ms":1}`), bullmq.StateDelayed)

	save("worker: {queues: [{name: mail, concurency: 3}]}")
	p.logged("field concurency is not known here", 1)
	requireState(t, addJob(t, openQueue(t, server.URL, "sms-in"), "echo", "1"), bullmq.StateCompleted)
	p.signal(syscall.SIGHUP)
	p.logged("the configuration cannot be used; the one before stays in force", 2)

	save("log-level: debug\nworker: {queues: [{name: mail}]}")
	p.logged("some settings have changed that take effect with the next start", 1)
	p.logged("queue is no longer served", 1)
	p.signal(syscall.SIGTERM)
	require.Equal(t, exitOK, p.code(), p.stderr.String())
}

func givesJobsBack(t *testing.T, built, timeout string, signals, code int) {
	t.Helper()
	handlers := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(handlers, "stuck.mjs"), []byte(`export default () => new Promise(() => {});`), 0o600))
	server := testenv.StartRedis(t)
	p := startProgram(t, built, "worker", "--redis", server.URL, "--queue", "q", "--handlers", handlers,
		"--cache-dir", t.TempDir(), "--shutdown-timeout", timeout)
	queue := openQueue(t, server.URL, "q")
	jobs := []*bullmq.Job{addJob(t, queue, "stuck", `{}`), addJob(t, queue, "sleep", `{"ms":60000}`)}
	for _, job := range jobs {
		requireState(t, job, bullmq.StateActive)
	}
	for range signals {
		p.signal(syscall.SIGTERM)
		// Of two signals that have not been seen yet the system makes one.
		p.logged("worker takes no more jobs and waits for those that run", 1)
	}
	require.Equal(t, code, p.code(), p.stderr.String())
	for _, job := range jobs {
		requireState(t, job, bullmq.StateWaiting)
		got, err := queue.Job(t.Context(), job.ID)
		require.NoError(t, err)
		require.Zero(t, got.AttemptsMade)
	}
}
