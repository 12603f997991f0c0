package runtime_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

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
	for _, file := range faultyFiles {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cache := filepath.Join(dir, "cache")
			text, err := os.ReadFile(filepath.Join("testdata", file))
			require.NoError(t, err)
			path := filepath.Join(dir, file)
			require.NoError(t, os.WriteFile(path, text, 0o700))
			parent := exec.Command(os.Args[0], "-test.run=^TestChildrenEndWithAParentThatIsKilled$")
			parent.Env = append(os.Environ(), parentEnv+"="+path)
			out, err := parent.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, parent.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "busy\n", line)
			require.Eventually(t, func() bool { return len(processesWith(t, cache+"/")) > 0 },
				10*time.Second, 10*time.Millisecond, "no process has started")
			require.NoError(t, parent.Process.Kill())
			require.Error(t, parent.Wait())
			requireNoProcess(t, cache)

			// The next loader removes what the killed one has left in the cache.
			next, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: cache, Logger: testLogger(t)})
			require.NoError(t, err)
			left, err := filepath.Glob(filepath.Join(cache, "worker-*"))
			require.NoError(t, err)
			require.Len(t, left, 1)
			require.NoError(t, next.Close())
		})
	}
}

// beParent runs a handler that leaves processes behind, then one that never ends,
// and waits to be killed.
func beParent(t *testing.T, file string) {
	t.Helper()
	loader, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: filepath.Join(filepath.Dir(file), "cache")})
	require.NoError(t, err)
	loaded, err := loader.Load(t.Context(), runtime.Module{Path: file})
	require.NoError(t, err)
	_, err = loaded.Host.Run(newJob(t, `{"fault":"forks"}`), "faulty")
	require.NoError(t, err)
	_, err = fmt.Fprintln(os.Stdout, "busy")
	require.NoError(t, err)
	_, _ = loaded.Host.Run(newJob(t, `{"fault":"never"}`), "faulty")
}
