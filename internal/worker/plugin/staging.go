package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// staging is a folder for work that is not finished, and what it takes to undo
// that work if its process ends in the middle of it:
//
//	owner      locked as long as the process lives
//	plan.json  what the work will have done, once it begins to change the directory
//	tree/      the new plugin before the change, the old one after it
type staging struct {
	dir   string
	owner *os.File
}

const (
	stagingPrefix = "staging-"
	asideSuffix   = ".old"
)

// plan is a change of the plugin directory.
type plan struct {
	// Name is the plugin, Checksum that of its new files, "" to remove it.
	Name     string `json:"name"`
	Checksum string `json:"checksum,omitempty"`
}

// newStaging makes a folder for work. It claims the directory meanwhile: whoever
// cleans up would take a folder for left behind that is not locked yet.
func newStaging(ctx context.Context, dir string) (*staging, error) {
	claim, err := claimToStage(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer claim.release()
	work, err := os.MkdirTemp(filepath.Join(dir, stateDir), stagingPrefix)
	if err != nil {
		return nil, fmt.Errorf("plugin directory: %w", err)
	}
	owner, err := os.OpenFile(filepath.Join(work, "owner"), os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = syscall.Flock(int(owner.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("plugin directory: %w", err), os.RemoveAll(work))
	}
	return &staging{dir: work, owner: owner}, nil
}

func (s *staging) tree() string { return filepath.Join(s.dir, "tree") }

// aside is where [swap] puts the old plugin for a moment, if it has to.
func (s *staging) aside() string { return s.tree() + asideSuffix }

// close removes the folder and all in it.
func (s *staging) close() error { return errors.Join(os.RemoveAll(s.dir), unlock(s.owner)) }

// intend notes what is about to be done.
func (s *staging) intend(p plan) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(s.dir, "plan.json"), text)
}

// swap puts a tree into the plugin's place and what is there, if anything, into
// the tree's.
func swap(tree, target string) error {
	_, err := os.Lstat(target)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(target), folderMode); err != nil {
			return err
		}
		return os.Rename(tree, target)
	}
	if err == nil {
		err = exchange(tree, target)
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	// Such a file system has the place empty for a moment.
	aside := tree + asideSuffix
	if err := os.Rename(target, aside); err != nil {
		return err
	}
	if err := os.Rename(tree, target); err != nil {
		return errors.Join(err, os.Rename(aside, target))
	}
	return os.Rename(aside, tree)
}

// recoverAll undoes what processes left that ended in the middle of a change,
// and removes what they staged. The directory is claimed.
func recoverAll(dir string, lock *Lock) error {
	var errs []error
	for _, work := range below(filepath.Join(dir, stateDir), stagingPrefix) {
		left, err := adopt(work)
		if left != nil {
			if err = left.undo(dir, lock); err == nil {
				err = left.close()
			}
		}
		errs = append(errs, err)
	}
	for _, temp := range below(dir, forerunner(LockName)) {
		errs = append(errs, os.Remove(temp))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("recover from an unfinished change: %w", err)
	}
	return nil
}

// adopt takes over what a process has staged that is gone. It returns nil for
// what a living one is at work on.
func adopt(work string) (*staging, error) {
	owner, err := os.OpenFile(filepath.Join(work, "owner"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.RemoveAll(work) // its process ended before it began
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(owner.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &staging{dir: work, owner: owner}, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = nil
	}
	return nil, errors.Join(err, owner.Close())
}

// below lists the paths in a folder whose names begin with a prefix.
func below(dir, prefix string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // then there is nothing to take away
	}
	var paths []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// undo brings the directory back to what the lock file says.
func (s *staging) undo(dir string, lock *Lock) error {
	text, err := readSmall(filepath.Join(s.dir, "plan.json"), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var p plan
	if err == nil {
		err = decodeStrictly(text, &p)
	}
	if err == nil {
		err = checkName(p.Name)
	}
	if err != nil {
		return err
	}
	target := pluginPath(dir, p.Name)
	entry, installed := lock.Plugins[p.Name]
	now := checksumAt(target)
	switch {
	case installed && now != entry.Checksum:
		for _, old := range []string{s.tree(), s.aside()} {
			if checksumAt(old) == entry.Checksum {
				return swap(old, target)
			}
		}
	case !installed && p.Checksum != "" && now == p.Checksum:
		return os.RemoveAll(target)
	}
	return nil
}

// checksumAt is the checksum of a folder, "" if it cannot be read.
func checksumAt(dir string) string {
	files, err := scan(dir, Limits{}.withDefaults())
	if err != nil {
		return ""
	}
	return files.checksum()
}

// pluginPath is where a plugin of a valid name is installed.
func pluginPath(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
