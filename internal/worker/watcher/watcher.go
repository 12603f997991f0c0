// Package watcher tells when files of the handler directories have changed.
//
// Editors write in many steps: to a file beside the real one, with renames,
// truncations and backups. A [Watcher] leaves out the files that are only
// means to that end, waits until it has been quiet for a moment, and then
// reports the paths that were touched. Whether they exist, and whether their
// content is new, is for the receiver to see.
//
// The system tells of changes where it can. Where it cannot, as on network
// drives, where watches have run out, or while a directory is not there, the
// watcher looks for itself once a second.
package watcher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Mode says how a watcher notices changes.
type Mode string

// The modes.
const (
	// Auto finds out for each directory.
	Auto Mode = "auto"
	// Events relies on the system wherever it can be asked at all.
	Events Mode = "events"
	// Poll looks for itself.
	Poll Mode = "poll"
)

// Options are the choices of a [Watcher]; the zero value is fine.
type Options struct {
	// Quiet is how long nothing must have happened before a change is reported.
	// Defaults to 50 ms.
	Quiet time.Duration
	// MaxWait bounds the wait for quiet while changes keep coming. Defaults to 500 ms.
	MaxWait time.Duration
	// Mode says how changes are noticed. Defaults to [Auto].
	Mode Mode
	// PollInterval is how often the watcher looks where it has to. Defaults to 1 s.
	PollInterval time.Duration
	// Logger is told where the system does not tell of changes. Defaults to [slog.Default].
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Quiet = cmp.Or(o.Quiet, 50*time.Millisecond)
	o.MaxWait = cmp.Or(o.MaxWait, 500*time.Millisecond)
	o.Mode = cmp.Or(o.Mode, Auto)
	o.PollInterval = cmp.Or(o.PollInterval, time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// Watcher watches directories, not their subdirectories.
type Watcher struct {
	opts Options
	fs   *fsnotify.Watcher // nil if the system tells of no changes
	poll *poller

	mu     sync.Mutex
	told   map[string]bool // guarded by mu; directories that the system tells about
	warned map[string]bool // guarded by mu; directories that it was found not to
}

// New returns a watcher of no directories. It must be closed.
func New(opts Options) (*Watcher, error) {
	opts = opts.withDefaults()
	w := &Watcher{opts: opts, poll: newPoller(), told: map[string]bool{}, warned: map[string]bool{}}
	if opts.Mode == Poll {
		return w, nil
	}
	var err error
	if w.fs, err = fsnotify.NewWatcher(); err != nil {
		if opts.Mode == Events {
			return nil, fmt.Errorf("watch files: %w", err)
		}
		opts.Logger.Warn("the system tells of no changes to files; looking for them once a second", slog.Any("error", err))
	}
	return w, nil
}

// Watch watches these directories and no others. Those that do not exist are
// reported when they come.
func (w *Watcher) Watch(dirs ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for dir := range w.told {
		if !slices.Contains(dirs, dir) {
			w.forgetLocked(dir)
		}
	}
	var polled []string
	for _, dir := range dirs {
		if !w.askLocked(dir) {
			polled = append(polled, dir)
		}
	}
	w.poll.watch(polled)
}

// Add watches a directory too. It must exist.
func (w *Watcher) Add(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("watch a directory: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.askLocked(dir) {
		w.poll.add(dir)
	}
	return nil
}

// askLocked asks the system to tell about a directory, and reports whether it will.
func (w *Watcher) askLocked(dir string) bool {
	if w.told[dir] {
		return true
	}
	if w.fs == nil {
		return false
	}
	if w.opts.Mode == Auto && remote(dir) {
		w.warnLocked(dir, errors.New("it is on a network drive"))
		return false
	}
	if err := w.fs.Add(dir); err != nil {
		if exists(dir) {
			w.warnLocked(dir, err)
		}
		return false
	}
	w.told[dir] = true
	return true
}

// warnLocked says once why a directory is looked at rather than told about.
func (w *Watcher) warnLocked(dir string, reason error) {
	if !w.warned[dir] {
		w.warned[dir] = true
		w.opts.Logger.Warn("the system does not tell of changes in a directory; looking for them once a second",
			slog.String("directory", dir), slog.Any("reason", reason))
	}
}

func (w *Watcher) forgetLocked(dir string) {
	delete(w.told, dir)
	_ = w.fs.Remove(dir) // it may be gone, and its watch with it
}

// Close ends watching.
func (w *Watcher) Close() error {
	if w.fs == nil {
		return nil
	}
	return w.fs.Close()
}

// Change is what happened since the last one.
type Change struct {
	// Paths are the files and directories that were touched, sorted. Of a directory
	// anything in it may have changed.
	Paths []string
	// Lost says that events were lost: anything may have changed.
	Lost bool
}

// Touches reports whether the change may concern the file.
func (c *Change) Touches(file string) bool {
	if c.Lost {
		return true
	}
	for path := file; ; {
		if _, found := slices.BinarySearch(c.Paths, path); found {
			return true
		}
		parent := filepath.Dir(path)
		if parent == path {
			return false
		}
		path = parent
	}
}

// Run calls changed for each change until ctx ends.
func (w *Watcher) Run(ctx context.Context, changed func(Change)) error {
	var polling sync.WaitGroup
	defer polling.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	polling.Go(func() { w.poll.run(ctx, w.opts.PollInterval) })
	var events chan fsnotify.Event
	var failures chan error
	if w.fs != nil {
		events, failures = w.fs.Events, w.fs.Errors
	}
	d := debounce{opts: w.opts, touched: map[string]bool{}}
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-events:
			if !ok {
				return nil
			}
			if path := w.pathOf(event); path != "" {
				d.touch(path)
			}
		case path := <-w.poll.touched:
			d.touch(path)
		case err, ok := <-failures:
			if !ok {
				return nil
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.opts.Logger.WarnContext(ctx, "watching files", slog.Any("error", err))
			}
			d.lose()
		case <-d.due:
			changed(d.take())
		}
	}
}

// pathOf is what an event touches, empty for nothing of interest.
func (w *Watcher) pathOf(event fsnotify.Event) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told[event.Name] {
		if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
			// The directory itself is gone. Another may take its place.
			w.forgetLocked(event.Name)
			w.poll.add(event.Name)
		}
		return event.Name
	}
	if filepath.Base(event.Name) == mountedData {
		return filepath.Dir(event.Name)
	}
	if Ignored(event.Name) {
		return ""
	}
	return event.Name
}

// debounce gathers what is touched until it has been quiet for a moment.
type debounce struct {
	opts    Options
	touched map[string]bool
	lost    bool
	first   time.Time        // when the first event of the change came
	due     <-chan time.Time // when to report; nil if there is nothing
}

func (d *debounce) touch(path string) {
	d.touched[path] = true
	d.extend()
}

func (d *debounce) lose() {
	d.lost = true
	d.extend()
}

func (d *debounce) extend() {
	if d.due == nil {
		d.first = time.Now()
	}
	d.due = time.After(min(d.opts.Quiet, d.opts.MaxWait-time.Since(d.first)))
}

func (d *debounce) take() Change {
	c := Change{Paths: slices.Sorted(maps.Keys(d.touched)), Lost: d.lost}
	clear(d.touched)
	d.lost, d.due = false, nil
	return c
}
