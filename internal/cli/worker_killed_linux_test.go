package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// strays are handlers that never end, and leave processes behind that want to
// outlive everything: in sessions of their own, orphaned, without environment.
var strays = map[string]string{
	"node.mjs": `
import { spawn } from "node:child_process";
export default () => {
  spawn("setsid", ["sh", "-c", "(exec env -i sleep 1001.%[1]s) & exec sleep 1002.%[1]s"], { detached: true, stdio: "ignore" }).unref();
  return new Promise(() => {});
};
`,
	"py.py": `
import subprocess, time
from jobrunner import handler

@handler()
def py(job):
    subprocess.Popen(["sh", "-c", "(exec env -i sleep 1003.%[1]s) & exec sleep 1004.%[1]s"], start_new_session=True)
    time.sleep(1000)
`,
	"sh.sh": `#!/bin/sh
(setsid sh -c '(exec env -i sleep 1005.%[1]s) & exec sleep 1006.%[1]s' &)
trap "" TERM HUP
while :; do sleep 1007.%[1]s; done
`,
}

// processesNamed returns what runs with an argument that ends with a text.
func processesNamed(t *testing.T, text string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var found []string
	for _, path := range paths {
		if arguments, err := os.ReadFile(path); err == nil && bytes.Contains(arguments, []byte(text+"\x00")) {
			found = append(found, string(bytes.ReplaceAll(arguments, []byte{0}, []byte{' '})))
		}
	}
	return found
}

func TestAWorkerThatIsKilledLeavesNothing(t *testing.T) {
	t.Parallel()
	handlers, cache, mark := t.TempDir(), t.TempDir(), fmt.Sprintf("%d7", os.Getpid())
	for name, text := range strays {
		require.NoError(t, os.WriteFile(filepath.Join(handlers, name), fmt.Appendf(nil, text, mark), 0o700))
	}
	server, built := testenv.StartRedis(t), buildProgram(t)
	start := func() *program {
		return startProgram(t, built, "worker", "--redis", server.URL, "--queue", "q", "--handlers", handlers, "--cache-dir", cache)
	}
	killed, queue := start(), openQueue(t, server.URL, "q")
	for _, name := range []string{"node", "py", "sh"} {
		requireState(t, addJob(t, queue, name, `{}`), bullmq.StateActive)
	}
	require.Eventually(t, func() bool { return len(processesNamed(t, "."+mark)) >= 7 }, 30*time.Second, 10*time.Millisecond,
		"the handlers have not all begun")
	require.NoError(t, killed.cmd.Process.Kill())
	require.Eventually(t, func() bool { return len(processesNamed(t, "."+mark)) == 0 }, 10*time.Second, 10*time.Millisecond,
		"processes are left")

	// The next worker on the same cache removes the files.
	left, err := filepath.Glob(filepath.Join(cache, "worker-*"))
	require.NoError(t, err)
	require.Len(t, left, 1)
	next := start()
	requireState(t, addJob(t, queue, "echo", `{}`), bullmq.StateCompleted)
	require.NoDirExists(t, left[0])
	require.NoError(t, next.cmd.Process.Kill())
}
