package files_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/core/files"
)

func tree(t *testing.T) (inside, outside string) {
	t.Helper()
	inside, outside = t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(inside, "sub"), 0o755))
	for _, file := range []string{filepath.Join(inside, "a"), filepath.Join(inside, "sub", "b"), filepath.Join(outside, "c")} {
		require.NoError(t, os.WriteFile(file, []byte(filepath.Base(file)), 0o600))
	}
	require.NoError(t, os.Symlink(outside, filepath.Join(inside, "away")))
	require.NoError(t, os.Symlink("sub/b", filepath.Join(inside, "near")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o600))
	return inside, outside
}

func TestOnlyFilesBelowTheDirectoriesOpen(t *testing.T) {
	t.Parallel()
	inside, outside := tree(t)
	dirs := []string{filepath.Join(outside, "missing"), inside}
	for path, want := range map[string]string{
		"a": "a", "sub/b": "b", "near": "b", filepath.Join(inside, "sub", "b"): "b", "sub/../a": "a",
	} {
		file, info, err := files.OpenBelow(dirs, path)
		require.NoError(t, err, path)
		text, err := io.ReadAll(file)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.Equal(t, want, string(text))
		require.EqualValues(t, 1, info.Size())
	}
	for _, path := range []string{
		"", "none", "sub", "pipe", "away/c", "../" + filepath.Base(outside) + "/c", filepath.Join(outside, "c"),
		filepath.Join(inside, "..", filepath.Base(outside), "c"), "/etc/passwd",
	} {
		_, _, err := files.OpenBelow(dirs, path)
		require.ErrorIs(t, err, files.ErrOutside, path)
	}
}

func TestOnlyDirectoriesBelowTheDirectoriesAreFound(t *testing.T) {
	t.Parallel()
	inside, outside := tree(t)
	root, err := filepath.EvalSymlinks(inside)
	require.NoError(t, err)
	for path, want := range map[string]string{
		"": root, ".": root, "sub": filepath.Join(root, "sub"), inside: root, filepath.Join(inside, "sub"): filepath.Join(root, "sub"),
	} {
		got, err := files.DirBelow([]string{inside}, path)
		require.NoError(t, err, path)
		require.Equal(t, want, got)
	}
	for _, path := range []string{"a", "none", "away", "..", outside, "/"} {
		_, err := files.DirBelow([]string{inside}, path)
		require.ErrorContains(t, err, "is not one of the directories", path)
	}
	_, err = files.DirBelow(nil, "")
	require.Error(t, err)
}
