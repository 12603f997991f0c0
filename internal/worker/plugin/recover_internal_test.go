package plugin

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// room is a plugin directory for tests of what is left in it.
type room struct {
	t   *testing.T
	dir string
	m   *Manager
}

func newRoom(t *testing.T) *room {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	m, err := NewManager(Options{Dir: dir})
	require.NoError(t, err)
	return &room{t, dir, m}
}

// source writes the source of a plugin of a version.
func (r *room) source(version string) Source {
	r.t.Helper()
	from := r.t.TempDir()
	require.NoError(r.t, os.WriteFile(filepath.Join(from, Manifest), []byte(`{"name":"one","version":"`+version+`","handlers":["a.js"]}`), 0o600))
	require.NoError(r.t, os.WriteFile(filepath.Join(from, "a.js"), []byte(version), 0o600))
	return Source{Type: Folder, Path: from}
}

func (r *room) stage(version string) *Staged {
	r.t.Helper()
	s, err := r.m.Stage(r.t.Context(), r.source(version))
	require.NoError(r.t, err)
	return s
}

func (r *room) install(version string) {
	r.t.Helper()
	s := r.stage(version)
	_, err := r.m.Install(r.t.Context(), s, InstallOptions{Replace: true})
	require.NoError(r.t, err)
	require.NoError(r.t, s.Close())
}

func (r *room) code() string {
	text, err := os.ReadFile(filepath.Join(r.dir, "one/a.js"))
	if err != nil {
		return ""
	}
	return string(text)
}

// die ends a staging as the end of its process would: its lock is gone, its
// files stay.
func (r *room) die(s *staging) {
	r.t.Helper()
	require.NoError(r.t, unlock(s.owner))
}

// touch makes a change, which first undoes what others left.
func (r *room) touch() {
	r.t.Helper()
	require.NoError(r.t, r.m.change(r.t.Context(), func(*Lock) error { return nil }))
	left, err := filepath.Glob(filepath.Join(r.dir, stateDir, stagingPrefix+"*"))
	require.NoError(r.t, err)
	require.Empty(r.t, left)
}

func (r *room) requireSound(version string) {
	r.t.Helper()
	require.Equal(r.t, version, r.code())
	if version == "" {
		require.ErrorIs(r.t, r.m.Check(r.t.Context(), "one"), ErrNotInstalled)
	} else {
		require.NoError(r.t, r.m.Check(r.t.Context(), "one"))
	}
}

func TestAnUpdateThatEndsInTheMiddleIsUndone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.install("1.0.0")
	s := r.stage("2.0.0")
	require.NoError(t, s.work.intend(plan{Name: "one", Checksum: s.Checksum}))
	require.NoError(t, swap(s.tree, filepath.Join(r.dir, "one")))
	r.die(s.work)
	require.Equal(t, "2.0.0", r.code())
	_, err := Gate{}.Open(t.Context(), filepath.Join(r.dir, "one"))
	require.ErrorAs(t, err, new(*ModifiedError), "a worker does not load what is half done")
	r.touch()
	r.requireSound("1.0.0")
}

func TestAnUpdateThatEndsBetweenTwoRenamesIsUndone(t *testing.T) {
	t.Parallel()
	for renames := range 3 {
		r := newRoom(t)
		r.install("1.0.0")
		s := r.stage("2.0.0")
		require.NoError(t, s.work.intend(plan{Name: "one", Checksum: s.Checksum}))
		if renames > 0 {
			require.NoError(t, os.Rename(filepath.Join(r.dir, "one"), s.work.aside()))
		}
		if renames > 1 {
			require.NoError(t, os.Rename(s.tree, filepath.Join(r.dir, "one")))
		}
		r.die(s.work)
		r.touch()
		r.requireSound("1.0.0")
	}
}

func TestAnInstallThatEndsInTheMiddleIsUndone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	s := r.stage("1.0.0")
	require.NoError(t, s.work.intend(plan{Name: "one", Checksum: s.Checksum}))
	require.NoError(t, swap(s.tree, filepath.Join(r.dir, "one")))
	r.die(s.work)
	r.touch()
	r.requireSound("")
	r.install("1.0.0")
	r.requireSound("1.0.0")
}

func TestARemovalThatEndsInTheMiddleIsUndone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.install("1.0.0")
	work, err := newStaging(t.Context(), r.dir)
	require.NoError(t, err)
	require.NoError(t, work.intend(plan{Name: "one"}))
	require.NoError(t, os.Rename(filepath.Join(r.dir, "one"), work.tree()))
	r.die(work)
	r.touch()
	r.requireSound("1.0.0")
}

func TestAChangeThatWasCompletedIsNotUndone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.install("1.0.0")
	s := r.stage("2.0.0")
	_, err := r.m.Install(t.Context(), s, InstallOptions{Replace: true})
	require.NoError(t, err)
	r.die(s.work)
	r.touch()
	r.requireSound("2.0.0")
}

func TestAFolderThatIsTakenOnWhereItStandsIsNeverTakenAway(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	own := filepath.Join(r.dir, "one")
	require.NoError(t, os.CopyFS(own, os.DirFS(r.source("0.1.0").Path)))
	s, err := r.m.Stage(t.Context(), Source{Type: Folder, Path: own})
	require.NoError(t, err)
	lock, err := readLock(r.dir)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(r.dir, LockName, "x"), 0o755))
	require.Error(t, r.m.put(lock, s, Entry{Version: "0.1.0", Checksum: s.Checksum}), "the lock file cannot be written")
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, LockName)))
	r.die(s.work)
	r.touch()
	require.Equal(t, "0.1.0", r.code())
}

func TestWhatOthersStageIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	s := r.stage("1.0.0")
	require.NoError(t, r.m.change(t.Context(), func(*Lock) error { return nil }))
	_, err := r.m.Install(t.Context(), s, InstallOptions{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	r.requireSound("1.0.0")
}

func TestALockFileThatCannotBeWrittenPutsTheOldVersionBack(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.install("1.0.0")
	lock, err := readLock(r.dir)
	require.NoError(t, err)
	before, err := os.ReadFile(filepath.Join(r.dir, LockName))
	require.NoError(t, err)
	// Nothing takes the place of a folder that is not empty.
	require.NoError(t, os.Remove(filepath.Join(r.dir, LockName)))
	require.NoError(t, os.MkdirAll(filepath.Join(r.dir, LockName, "x"), 0o755))

	s := r.stageWith("2.0.0", lock)
	require.Error(t, r.m.put(lock, s, Entry{Version: "2.0.0", Checksum: s.Checksum}))
	require.NoError(t, s.Close())
	require.Equal(t, "1.0.0", r.code())

	work, err := newStaging(t.Context(), r.dir)
	require.NoError(t, err)
	require.Error(t, r.m.take(lock, work, "one", true))
	require.NoError(t, work.close())

	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, LockName)))
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, LockName), before, 0o600))
	r.requireSound("1.0.0")
}

// stageWith stages a version while the lock file cannot be read.
func (r *room) stageWith(version string, lock *Lock) *Staged {
	r.t.Helper()
	other := newRoom(r.t)
	s, err := other.m.Stage(r.t.Context(), r.source(version))
	require.NoError(r.t, err)
	previous := lock.Plugins["one"]
	s.Previous = &previous
	return s
}

// TestProcessesThatInstallAtOnceAndAreKilledLeaveNothingHalfDone runs this test's
// binary many times, each time installing one version, and kills some of them.
func TestProcessesThatInstallAtOnceAndAreKilledLeaveNothingHalfDone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.install("1.0.0")
	var running []*exec.Cmd
	for range 8 {
		for _, version := range []string{"2.0.0", "3.0.0"} {
			cmd := exec.Command(os.Args[0], "-test.run=^TestInstallInAProcess$")
			cmd.Env = append(os.Environ(), "PLUGIN_TEST_DIR="+r.dir, "PLUGIN_TEST_SOURCE="+r.source(version).Path)
			require.NoError(t, cmd.Start())
			running = append(running, cmd)
		}
		for i, cmd := range running {
			if i%2 == 0 {
				time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = cmd.Process.Kill() }) // it may have ended
			}
		}
		for _, cmd := range running {
			_ = cmd.Wait() // most are killed, or find that they were late
		}
		running = nil
		r.touch()
		require.NoError(t, r.m.Check(t.Context(), "one"))
	}
}

// TestInstallInAProcess is what the test above runs; by itself it does nothing.
func TestInstallInAProcess(t *testing.T) {
	dir := os.Getenv("PLUGIN_TEST_DIR")
	if dir == "" {
		return
	}
	m, err := NewManager(Options{Dir: dir})
	require.NoError(t, err)
	for {
		s, err := m.Stage(t.Context(), Source{Type: Folder, Path: os.Getenv("PLUGIN_TEST_SOURCE")})
		require.NoError(t, err)
		_, err = m.Install(t.Context(), s, InstallOptions{Replace: true})
		require.NoError(t, s.Close())
		if err == nil {
			return
		}
		require.ErrorIs(t, err, ErrBusy)
	}
}
