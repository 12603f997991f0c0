package redisd

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAReleasedWatchdogSparesItsProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	require.NoError(t, cmd.Start())
	release, err := watch(cmd.Process.Pid)
	require.NoError(t, err)
	release()
	require.Nil(t, cmd.ProcessState)
	require.NoError(t, cmd.Process.Kill())
	require.ErrorContains(t, cmd.Wait(), "killed")
}

func TestQuoteKeepsAValueInsideItsString(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"a\"b\\c\x0ad é"`, quote("a\"b\\c\nd é"))
}
