package handlers

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// How long, and how often, tests look for something to come about. Building a
// handler in Go for the first time takes its time.
const (
	patience = 3 * time.Minute
	tick     = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	// Deferred functions do not run when testenv.Main ends the process.
	dir, err := os.MkdirTemp("", "jobrunner-test-")
	if err != nil {
		panic(err)
	}
	binDir = dir
	testenv.OnExit(func() { _ = os.RemoveAll(dir) })
	testenv.Main(m)
}

// binDir holds the built command.
var binDir string

var build = sync.OnceValue(func() error {
	output, err := exec.Command("go", "build", "-o", filepath.Join(binDir, "jobrunner"), "../../cmd/jobrunner").CombinedOutput()
	if err != nil {
		return errors.New(string(output))
	}
	return nil
})

// root is the project's root, where the Go SDK is.
func root(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../..")
	require.NoError(t, err)
	return path
}

// jobrunner builds the command and returns an environment that has it in its PATH.
func jobrunner(t *testing.T) (env []string) {
	t.Helper()
	require.NoError(t, build())
	return append(os.Environ(), "PATH="+binDir+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"JOBRUNNER_CACHE_DIR="+t.TempDir(), "JOBRUNNER_GO_SDK="+root(t))
}

// shell prepares a script of shell commands to run in a folder.
func shell(t *testing.T, dir, script string, env []string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Dir, cmd.Env = dir, env
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run runs such a script and returns what it printed.
func run(t *testing.T, dir, script string, env []string) (stdout string) {
	t.Helper()
	cmd := shell(t, dir, script, env)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s\n%s%s", script, out, stderr.String())
	return string(out)
}

// output is a stream that is read while it is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a script whose last command goes on until the test ends, and returns
// what it prints.
func start(t *testing.T, dir, script string, env []string) *output {
	t.Helper()
	// The shell makes way for the last command, so that signals reach it.
	cmd := exec.Command("sh", "-euc", lastCommand.ReplaceAllString(script, "exec $0"))
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var printed output
	cmd.Stdout, cmd.Stderr = &printed, &printed
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // it ends by a signal
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
			t.Error("the command did not end in order")
		}
		if t.Failed() {
			t.Logf("the command printed:\n%s", printed.String())
		}
	})
	return &printed
}

var lastCommand = regexp.MustCompile(`[^\n]+\n*$`)

// find waits until the output has what the pattern's group matches.
func (o *output) find(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	require.Eventually(t, func() bool {
		found = re.FindStringSubmatch(o.String())
		return found != nil
	}, patience, tick, "nothing printed matches %s", pattern)
	return found[1]
}
