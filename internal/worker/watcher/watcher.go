// Package watcher tells when files of the handler directories have changed.
//
// Editors write in many steps: to a file beside the real one, with renames,
// truncations and backups. A [Watcher] leaves out the files that are only
// means to that end, waits until it has been quiet for a moment, and then
// reports the paths that were touched. Whether they exist, and whether their
// content is new, is for the receiver to see.
package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Options are the choices of a [Watcher]; the zero value is fine.
type Options struct {
	// Quiet is how long nothing must have happened before a change is reported.
	// Defaults to 50 ms.
	Quiet time.Duration
	// MaxWait bounds the wait for quiet while changes keep coming. Defaults to 500 ms.
	MaxWait time.Duration
}

// Watcher watches directories, not their subdirectories.
type Watcher struct {
	opts Options
	fs   *fsnotify.Watcher
}

// New returns a watcher of no directories. It must be closed.
func New(opts Options) (*Watcher, error) {
	opts.Quiet = cmp.Or(opts.Quiet, 50*time.Millisecond)
	opts.MaxWait = cmp.Or(opts.MaxWait, 500*time.Millisecond)
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	return &Watcher{opts: opts, fs: fs}, nil
}

// Add watches a directory. Adding it again does nothing.
func (w *Watcher) Add(dir string) error {
	if err := w.fs.Add(dir); err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	return nil
}

// Close ends watching.
func (w *Watcher) Close() error { return w.fs.Close() }

// Change is what happened since the last one.
type Change struct {
	// Paths are the files and directories that were touched, sorted.
	Paths []string
	// Lost says that events were lost: anything may have changed.
	Lost bool
}

// Run calls changed for each change until ctx ends.
func (w *Watcher) Run(ctx context.Context, changed func(Change)) error {
	touched := map[string]bool{}
	lost := false
	var first time.Time      // when the first event of the change came
	var due <-chan time.Time // when to report; nil if there is nothing
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-w.fs.Events:
			if !ok {
				return nil
			}
			if event.Op == fsnotify.Chmod || Ignored(event.Name) {
				continue
			}
			touched[event.Name] = true
		case err, ok := <-w.fs.Errors:
			if !ok {
				return nil
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("watch files: %w", err)
			}
			lost = true
		case <-due:
			changed(Change{Paths: slices.Sorted(maps.Keys(touched)), Lost: lost})
			clear(touched)
			lost, due = false, nil
			continue
		}
		if due == nil {
			first = time.Now()
		}
		due = time.After(min(w.opts.Quiet, w.opts.MaxWait-time.Since(first)))
	}
}

// Ignored reports whether a path is what editors, interpreters and version
// control leave lying about, rather than what an author wrote.
func Ignored(path string) bool {
	name := filepath.Base(path)
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "#"), strings.HasPrefix(name, "~"),
		strings.HasSuffix(name, "~"), strings.HasSuffix(name, "#"):
		return true
	case name == "4913", name == "__pycache__", name == "node_modules":
		return true // vim tries whether it can write with a file named 4913
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".swp", ".swo", ".swx", ".tmp", ".temp", ".bak", ".orig", ".part", ".pyc":
		return true
	}
	return strings.Contains(name, "___jb_") // JetBrains' safe write
}
