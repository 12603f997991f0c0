package runtime_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// parentEnv makes the test program a parent of handler processes: its value is
// the handler's file.
const parentEnv = "JOBRUNNER_TEST_PARENT_OF"

// TestChildrenEndWithAParentThatIsKilled starts this test program again as a
// parent, and kills it in a way that lets it clean up nothing.
func TestChildrenEndWithAParentThatIsKilled(t *testing.T) {
	if file := os.Getenv(parentEnv); file != "" {
		beParent(t, file)
		return
	}
	t.Parallel()
	for file, text := range map[string]string{"busy.mjs": faultyJS, "busy.py": faultyPython} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := writeFile(t, dir, file, text)
			parent := exec.Command(os.Args[0], "-test.run=^TestChildrenEndWithAParentThatIsKilled$")
			parent.Env = append(os.Environ(), parentEnv+"="+path)
			out, err := parent.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, parent.Start())
			var child int
			_, err = fmt.Fscanf(bufio.NewReader(out), "child %d\n", &child)
			require.NoError(t, err)
			require.NoError(t, parent.Process.Kill())
			require.Error(t, parent.Wait())
			requireGone(t, child)

			// The next loader removes what the killed one has left in the cache.
			next, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: filepath.Join(dir, "cache")})
			require.NoError(t, err)
			left, err := os.ReadDir(filepath.Join(dir, "cache"))
			require.NoError(t, err)
			require.Len(t, left, 1)
			require.NoError(t, next.Close())
		})
	}
}

// beParent runs a handler that never ends, says which process it runs in, and
// waits to be killed.
func beParent(t *testing.T, file string) {
	t.Helper()
	loader, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: filepath.Join(filepath.Dir(file), "cache")})
	require.NoError(t, err)
	loaded, err := loader.Load(t.Context(), runtime.Module{Path: file})
	require.NoError(t, err)
	pid, err := loaded.Host.Run(newJob(t, `{"fault":"pid"}`), "faulty")
	require.NoError(t, err)
	_, err = fmt.Fprintf(os.Stdout, "child %s\n", pid)
	require.NoError(t, err)
	_, _ = loaded.Host.Run(newJob(t, `{"fault":"never"}`), "faulty")
}
