package watcher_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// watch reports changes of a new directory.
func watch(t *testing.T, opts watcher.Options) (dir string, changes <-chan watcher.Change) {
	t.Helper()
	dir = t.TempDir()
	w, err := watcher.New(opts)
	require.NoError(t, err)
	require.NoError(t, w.Add(dir))
	ctx, cancel := context.WithCancel(t.Context())
	found, done := make(chan watcher.Change, 100), make(chan error, 1)
	go func() { done <- w.Run(ctx, func(c watcher.Change) { found <- c }) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, w.Close())
	})
	return dir, found
}

func next(t *testing.T, changes <-chan watcher.Change) watcher.Change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(10 * time.Second):
		require.Fail(t, "no change was reported")
		return watcher.Change{}
	}
}

func TestWhatEditorsDoToSaveIsOneChange(t *testing.T) {
	t.Parallel()
	saves := map[string]func(t *testing.T, path string){
		"in place": func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			require.NoError(t, os.WriteFile(path, []byte("new"), 0o600))
		},
		"renamed into place": func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.WriteFile(path+".tmp", []byte("new"), 0o600))
			require.NoError(t, os.Rename(path+".tmp", path))
		},
		"as vim does": func(t *testing.T, path string) {
			t.Helper()
			probe := filepath.Join(filepath.Dir(path), "4913")
			require.NoError(t, os.WriteFile(probe, nil, 0o600))
			require.NoError(t, os.Remove(probe))
			require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), ".a.js.swp"), nil, 0o600))
			require.NoError(t, os.Rename(path, path+"~"))
			require.NoError(t, os.WriteFile(path, []byte("new"), 0o600))
			require.NoError(t, os.Remove(path+"~"))
		},
	}
	for name, save := range saves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, changes := watch(t, watcher.Options{})
			path := filepath.Join(dir, "a.js")
			require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
			require.Equal(t, []string{path}, next(t, changes).Paths)
			save(t, path)
			require.Equal(t, []string{path}, next(t, changes).Paths)
			require.NoError(t, os.Remove(path))
			require.Equal(t, []string{path}, next(t, changes).Paths)
			require.Empty(t, changes)
		})
	}
}

func TestEndlessWritingIsReportedAllTheSame(t *testing.T) {
	t.Parallel()
	dir, changes := watch(t, watcher.Options{Quiet: time.Hour, MaxWait: 50 * time.Millisecond})
	path := filepath.Join(dir, "a.js")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	require.Equal(t, []string{path}, next(t, changes).Paths)
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		".a.js.swp", "a.js~", "#a.js#", "4913", "a.js.tmp", "a.bak", "__pycache__", "node_modules", ".git", "a.js___jb_tmp___",
	} {
		require.True(t, watcher.Ignored("/dir/"+name), name)
	}
	for _, name := range []string{"a.js", "tmp.ts", "a.b.py", "jobrunner-plugin.json"} {
		require.False(t, watcher.Ignored("/.dir/"+name), name)
	}
}
