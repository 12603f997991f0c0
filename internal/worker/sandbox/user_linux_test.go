package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// nobody is a user with no rights, and no files.
const nobody = 65534

// TestTheSameHoldsForAUserWithoutRights runs tests of this package again as a
// user who has no rights, if it is not run as one in the first place.
func TestTheSameHoldsForAUserWithoutRights(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		return
	}
	dir, err := os.MkdirTemp("", "sandbox-") //nolint:usetesting // others cannot enter the test's own
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	program, temp := filepath.Join(dir, "tests"), filepath.Join(dir, "temp")
	// By another process: what this one writes is busy while it starts others.
	require.NoError(t, exec.Command("cp", os.Args[0], program).Run())
	require.NoError(t, os.Mkdir(temp, 0o700))
	require.NoError(t, os.Chown(temp, nobody, nobody))

	again := exec.Command(program, "-test.run=^("+
		"TestNothingOutlivesAProgram|TestAProgramReachesTheFilesItWasGranted|TestAProgramCannotReachTheWorker|"+
		"TestTheTemporaryDirectoryGoesWithTheProgram|TestProcessesAreBounded|TestFilesAndDescriptorsAreBounded)$")
	again.Dir, again.Env = temp, []string{"PATH=/usr/bin:/bin", "TMPDIR=" + temp, "HOME=" + temp}
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := again.CombinedOutput()
	require.NoError(t, err, "%s", out)
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestProcessesAreBounded(t *testing.T) {
	t.Parallel()
	if host := support(); os.Getuid() == 0 || !host.userNamespace {
		require.Contains(t, []string{"cgroup v2", "nothing: " + reason(host.noGroups)}, Check().Processes)
		return
	}
	p := Default()
	p.Processes = 10
	out, err := run(t, p, `n=0; while [ $n -lt 100 ]; do sleep 100 & n=$((n+1)); done`)
	require.EqualError(t, err, "exited with code 2")
	require.Contains(t, out, "fork")
}
