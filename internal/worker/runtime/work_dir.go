package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// workDir is a directory that one loader alone uses, for as long as it holds the
// lock in it. The lock goes with its process, whose id may come again, and which
// others that share the cache may not even see.
type workDir struct {
	path string
	lock *os.File
}

// lockName is the file whose lock says that a directory is in use.
const lockName = "lock"

// newWorkDir makes a directory in the cache, and removes those of workers that
// are gone without having done so.
func newWorkDir(cache string) (dir *workDir, err error) {
	if cache, err = filepath.Abs(cache); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	// One at a time: a directory that is being made is not locked yet.
	turn, err := lockFile(filepath.Join(cache, lockName), syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	defer func() { err = errors.Join(err, turn.Close()) }()
	removeAbandoned(cache)
	path, err := os.MkdirTemp(cache, "worker-")
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(path, lockName), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cache directory: %w", err), os.RemoveAll(path))
	}
	return &workDir{path: path, lock: lock}, nil
}

// removeAbandoned removes the directories that nobody holds a lock in.
func removeAbandoned(cache string) {
	left, _ := filepath.Glob(filepath.Join(cache, "worker-*"))
	for _, dir := range left {
		lock, err := lockFile(filepath.Join(dir, lockName), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // in use, or not ours to remove
		}
		_ = sandbox.RemoveAll(dir) // a leftover is untidy, no more
		_ = lock.Close()
	}
}

// lockFile opens a file and locks it, until it is closed.
func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return nil, errors.Join(&os.PathError{Op: "lock", Path: path, Err: err}, f.Close())
		}
		return f, nil
	}
}

// remove removes the directory with all in it, and gives up its lock.
func (d *workDir) remove() error {
	return errors.Join(sandbox.RemoveAll(d.path), d.lock.Close())
}
