package datadir_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/datadir"
)

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")

	dir, err := datadir.Open(path)
	require.NoError(t, err)

	_, err = datadir.Open(path)
	var inUse *datadir.InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, os.Getpid(), inUse.PID)
	require.ErrorContains(t, err, path)

	require.NoError(t, dir.Close())
	again, err := datadir.Open(path)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestOpenKeepsTheDirectoryPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "data")

	dir, err := datadir.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, dir.Close()) })

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.Equal(t, filepath.Join(path, "redis", "x"), dir.Path("redis", "x"))
}

func TestOpenReportsAPathThatIsAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))

	_, err := datadir.Open(path)
	require.ErrorContains(t, err, "data directory")
}
