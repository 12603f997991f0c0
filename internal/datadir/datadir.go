// Package datadir is the directory in which one JobRunner process keeps what
// must outlive it: the SQLite file and the data of its own Redis.
//
// A directory belongs to one process at a time. The claim is a lock of the
// operating system, so it ends with the process, however that ends.
package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const lockName = "lock"

// Dir is a data directory that this process owns.
type Dir struct {
	path string
	lock *os.File
}

// InUseError says that another process owns the directory.
type InUseError struct {
	// Path is the directory.
	Path string
	// PID is the owner's process id, 0 if it is not known.
	PID int
}

// Error names the directory, the owner, and the way out.
func (e *InUseError) Error() string {
	owner := "another process"
	if e.PID > 0 {
		owner = "the process " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("the data directory %s is in use by %s: stop it, or choose another directory with --data-dir", e.Path, owner)
}

// Open makes the directory if it is missing, readable for its owner only, and
// claims it. It returns an [*InUseError] if another process has it. The caller
// closes it when all else that writes there has ended.
func Open(path string) (*Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(abs, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := claim(lock); err != nil {
		defer func() { _ = lock.Close() }()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &InUseError{Path: abs, PID: owner(lock.Name())}
		}
		return nil, fmt.Errorf("data directory: lock %s: %w", lock.Name(), err)
	}
	return &Dir{path: abs, lock: lock}, nil
}

// Path returns the absolute path of a file or folder in the directory.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Close gives the directory up. The lock file stays: to remove it would let two
// processes lock two different files of the same name.
func (d *Dir) Close() error {
	return d.lock.Close()
}

func claim(lock *os.File) error {
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func owner(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
