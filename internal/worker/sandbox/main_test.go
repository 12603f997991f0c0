package sandbox

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) {
	if beOwner() {
		return
	}
	testenv.Main(m)
}

// shell makes the command of a script, whose output goes to the returned buffer.
func shell(t *testing.T, p Policy, script string) (*Cmd, *bytes.Buffer) {
	t.Helper()
	out := new(bytes.Buffer)
	return &Cmd{
		Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"},
		Policy: p, TempRoot: t.TempDir(), Stdout: out, Stderr: out,
	}, out
}

// run runs a script to its end.
func run(t *testing.T, p Policy, script string) (string, error) {
	t.Helper()
	c, out := shell(t, p, script)
	require.NoError(t, c.Start())
	err := c.Wait()
	return out.String(), err
}

// interpreter returns a program with the paths it needs to be granted.
func interpreter(t *testing.T, name string) (string, []string) {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err)
	if name == "python3" { // what is in PATH may be a script that looks for it
		out, err := exec.Command(path, "-c", "import sys; print(sys.executable); print(sys.base_prefix)").Output()
		require.NoError(t, err)
		lines := strings.Fields(string(out))
		return lines[0], lines[1:]
	}
	path, err = filepath.EvalSymlinks(path)
	require.NoError(t, err)
	return path, nil
}

// firstWrite tells when something was written.
type firstWrite struct {
	io.Writer
	seen chan struct{}
	once sync.Once
}

func (w *firstWrite) Write(b []byte) (int, error) {
	defer w.once.Do(func() { close(w.seen) })
	return w.Writer.Write(b)
}
