package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// errChanged stops a run because its handler has been saved again.
var errChanged = errors.New("stopped because the handler has changed")

// rerun starts a run again when files change.
type rerun struct {
	watch   *watcher.Watcher
	changed chan struct{} // holds a change that no run has begun with

	mu    sync.Mutex
	files []string                // guarded by mu; whose change matters, sorted
	stop  context.CancelCauseFunc // guarded by mu; of the run under way
}

// runOnChange runs a handler, and again after every change of its files, until
// ctx ends.
func (p *Process) runOnChange(ctx context.Context, run handlerRun, loader *runtime.Loader, log *slog.Logger) (err error) {
	path, err := filepath.Abs(run.path)
	if err != nil {
		return usage(err)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return usage(err)
	}
	watch, err := watcher.New(watcher.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, watch.Close()) }()
	r := &rerun{watch: watch, changed: make(chan struct{}, 1)}
	if err := r.follow([]string{path}); err != nil {
		return usage(err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return watch.Run(ctx, r.notice) })
	g.Go(func() error {
		return r.loop(ctx, path, func(ctx context.Context) []string {
			files, err := p.runOnce(ctx, run, loader, log)
			p.tellRun(err)
			_, _ = fmt.Fprintln(p.Stderr, "\nwaiting for a change; Ctrl-C ends")
			return files
		})
	})
	return g.Wait()
}

// tellRun says why a run could not be made, unless that has been said.
func (p *Process) tellRun(err error) {
	own, ok := errors.AsType[*exitError](err)
	if err == nil || errors.Is(err, errChanged) || errors.Is(err, errInterrupted) || (ok && own.err == nil) {
		return
	}
	_, _ = fmt.Fprintf(p.Stderr, "jobrunner: %v\n", err)
}

// loop runs once, and again after every change of the path or of the files that
// the run before was made of.
func (r *rerun) loop(ctx context.Context, path string, once func(context.Context) []string) error {
	for {
		attempt, stop := context.WithCancelCause(ctx)
		r.begin(stop)
		files := once(attempt)
		stop(nil)
		if err := r.follow(append(files, path)); err != nil {
			return err
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *rerun) begin(stop context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop = stop
}

// follow names further files whose change matters; those of earlier runs stay,
// for a run that could not load knows but few. Directories that have gone are no
// reason to end.
func (r *rerun) follow(files []string) error {
	r.mu.Lock()
	r.files = append(r.files, files...)
	slices.Sort(r.files)
	r.files = slices.Compact(r.files)
	r.mu.Unlock()
	for _, file := range files {
		dirs := []string{filepath.Dir(file)}
		if info, err := os.Stat(file); err == nil && info.IsDir() {
			dirs = append(dirs, file)
		}
		for _, dir := range dirs {
			if err := r.watch.Add(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// notice stops the run under way if a change touches its files.
func (r *rerun) notice(c watcher.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	matters := c.Lost || slices.ContainsFunc(c.Paths, func(path string) bool {
		_, file := slices.BinarySearch(r.files, path)
		_, below := slices.BinarySearch(r.files, filepath.Dir(path))
		return file || below
	})
	if !matters {
		return
	}
	select {
	case r.changed <- struct{}{}:
	default: // one is waiting already
	}
	if r.stop != nil {
		r.stop(errChanged)
	}
}
