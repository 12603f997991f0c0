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
	_, changes = watchDirs(t, opts, dir)
	return dir, changes
}

func watchDirs(t *testing.T, opts watcher.Options, dirs ...string) (*watcher.Watcher, <-chan watcher.Change) {
	t.Helper()
	w, err := watcher.New(opts)
	require.NoError(t, err)
	w.Watch(dirs...)
	ctx, cancel := context.WithCancel(t.Context())
	found, done := make(chan watcher.Change, 100), make(chan error, 1)
	go func() { done <- w.Run(ctx, func(c watcher.Change) { found <- c }) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, w.Close())
	})
	return w, found
}

// fastPoll looks so often that a test need not wait.
var fastPoll = watcher.Options{Mode: watcher.Poll, PollInterval: 10 * time.Millisecond}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
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

// editors are the steps in which they save a file.
var editors = map[string]func(t *testing.T, path string){
	"in place": func(t *testing.T, path string) {
		t.Helper()
		write(t, path, "")
		write(t, path, "saved")
	},
	"renamed into place": func(t *testing.T, path string) {
		t.Helper()
		write(t, path+".tmp", "saved")
		require.NoError(t, os.Rename(path+".tmp", path))
	},
	"vim": func(t *testing.T, path string) {
		t.Helper()
		probe := filepath.Join(filepath.Dir(path), "4913")
		write(t, probe, "")
		require.NoError(t, os.Remove(probe))
		write(t, filepath.Join(filepath.Dir(path), ".a.js.swp"), "")
		require.NoError(t, os.Rename(path, path+"~"))
		write(t, path, "saved")
		require.NoError(t, os.Remove(path+"~"))
	},
	"Emacs": func(t *testing.T, path string) {
		t.Helper()
		dir, name := filepath.Split(path)
		lock := filepath.Join(dir, ".#"+name)
		require.NoError(t, os.Symlink("me@box.1", lock))
		write(t, filepath.Join(dir, "#"+name+"#"), "unsaved")
		require.NoError(t, os.Rename(path, path+"~"))
		write(t, path, "saved")
		require.NoError(t, os.Remove(filepath.Join(dir, "#"+name+"#")))
		require.NoError(t, os.Remove(lock))
	},
	"VS Code": func(t *testing.T, path string) {
		t.Helper()
		write(t, path+".vsctmp", "saved")
		require.NoError(t, os.Rename(path+".vsctmp", path))
	},
	"JetBrains": func(t *testing.T, path string) {
		t.Helper()
		write(t, path+"___jb_tmp___", "saved")
		require.NoError(t, os.Rename(path, path+"___jb_old___"))
		require.NoError(t, os.Rename(path+"___jb_tmp___", path))
		require.NoError(t, os.Remove(path+"___jb_old___"))
	},
}

func TestWhatEditorsDoToSaveIsOneChange(t *testing.T) {
	t.Parallel()
	for name, save := range editors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, changes := watch(t, watcher.Options{Quiet: 200 * time.Millisecond, MaxWait: 10 * time.Second})
			path := filepath.Join(dir, "a.js")
			write(t, path, "old")
			require.Equal(t, []string{path}, next(t, changes).Paths)
			save(t, path)
			require.Equal(t, []string{path}, next(t, changes).Paths)
			require.NoError(t, os.Remove(path))
			require.Equal(t, []string{path}, next(t, changes).Paths)
			require.Empty(t, changes)
		})
	}
}

func TestChangesAreFoundByLookingToo(t *testing.T) {
	t.Parallel()
	for name, save := range editors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, changes := watch(t, fastPoll)
			path := filepath.Join(dir, "a.js")
			write(t, path, "old")
			until(t, changes, path)
			save(t, path)
			until(t, changes, path)
			require.NoError(t, os.Remove(path))
			until(t, changes, path)
		})
	}
}

// until waits for a change of exactly the path, which may be seen in several steps.
func until(t *testing.T, changes <-chan watcher.Change, path string) {
	t.Helper()
	require.Equal(t, []string{path}, next(t, changes).Paths)
	for quiet := false; !quiet; {
		select {
		case c := <-changes:
			require.Equal(t, []string{path}, c.Paths)
		case <-time.After(200 * time.Millisecond):
			quiet = true
		}
	}
}

func TestADirectoryThatComesAndGoesIsReported(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]watcher.Mode{"told": watcher.Auto, "looked at": watcher.Poll} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "handlers")
			w, changes := watchDirs(t, watcher.Options{Mode: mode, PollInterval: 10 * time.Millisecond}, dir)
			path := filepath.Join(dir, "a.js")
			for range 2 {
				write(t, path, "new")
				waitFor(t, changes, path)
				w.Watch(dir) // as who loads the files does
				write(t, path, "newer text")
				waitFor(t, changes, path)
				require.NoError(t, os.RemoveAll(dir))
				waitFor(t, changes, path)
			}
		})
	}
}

// waitFor waits for a change that concerns the file.
func waitFor(t *testing.T, changes <-chan watcher.Change, file string) {
	t.Helper()
	for {
		if c := next(t, changes); c.Touches(file) {
			return
		}
	}
}

func TestFilesThatAreSwappedAllAtOnceAreReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "..one", "a.js"), "old")
	write(t, filepath.Join(dir, "..two", "a.js"), "new")
	require.NoError(t, os.Symlink("..one", filepath.Join(dir, "..data")))
	require.NoError(t, os.Symlink("..data/a.js", filepath.Join(dir, "a.js")))
	_, changes := watchDirs(t, watcher.Options{}, dir)
	require.NoError(t, os.Symlink("..two", filepath.Join(dir, "..data_tmp")))
	require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	waitFor(t, changes, filepath.Join(dir, "a.js"))
}

func TestDirectoriesThatAreNoLongerWatchedAreLeftAlone(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	w, changes := watchDirs(t, watcher.Options{}, one, two)
	w.Watch(two)
	write(t, filepath.Join(one, "a.js"), "x")
	write(t, filepath.Join(two, "b.js"), "x")
	require.Equal(t, []string{filepath.Join(two, "b.js")}, next(t, changes).Paths)
	require.ErrorIs(t, w.Add(filepath.Join(one, "none")), os.ErrNotExist)
	require.NoError(t, w.Add(one))
	write(t, filepath.Join(one, "c.js"), "x")
	waitFor(t, changes, filepath.Join(one, "c.js"))
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
		".a.js.swp", "a.js~", ".goutputstream-X", "a.js.vsctmp", ".#a.js", "a.js.kate-swp", "#a.js#", "4913", "a.js.tmp", "a.bak", "__pycache__", "node_modules", ".git", "a.js___jb_tmp___",
	} {
		require.True(t, watcher.Ignored("/dir/"+name), name)
	}
	for _, name := range []string{"a.js", "tmp.ts", "a.b.py", "jobrunner-plugin.json", ".package-lock.json"} {
		require.False(t, watcher.Ignored("/.dir/"+name), name)
	}
}
