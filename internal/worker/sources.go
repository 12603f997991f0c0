package worker

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// loadsAtOnce is how many sources are loaded side by side; each starts processes.
const loadsAtOnce = 4

// sources keeps the registry in step with the files of the handler and plugin
// directories.
type sources struct {
	opts     Options
	loader   *runtime.Loader
	registry *registry.Registry
	watch    *watcher.Watcher
	gate     plugin.Gate
	tune     tuning

	mu    sync.Mutex
	known map[string]*knownSource // guarded by mu; by path
	dirs  []string                // guarded by mu; those that are watched, sorted

	lateMu sync.Mutex
	late   map[string][]string // guarded by lateMu; what sources have imported since they were loaded
}

// knownSource is a source as it was last tried.
type knownSource struct {
	source
	files     []string  // what it depends on
	digest    string    // of those files
	failed    bool      // it is not in service as it is
	duplicate bool      // refused because another source has one of its names
	handlers  []string  // the names that it answers
	granted   resources // of their processes
}

func newSources(opts Options, loader *runtime.Loader, reg *registry.Registry, watch *watcher.Watcher, tune tuning) *sources {
	gate := plugin.Gate{
		Uninstalled: opts.UninstalledPlugins, HostVersion: opts.Version, Base: opts.Runtime.Policy, Env: opts.Runtime.Env,
	}
	return &sources{
		opts: opts, loader: loader, registry: reg, watch: watch, gate: gate, tune: tune, known: map[string]*knownSource{},
	}
}

// loadAll loads every source there is.
func (s *sources) loadAll(ctx context.Context) {
	s.sync(ctx, func(*knownSource) bool { return true })
}

// changed reloads what a change of files touches.
func (s *sources) changed(ctx context.Context, c watcher.Change) {
	s.sync(ctx, func(k *knownSource) bool {
		return k.failed || slices.ContainsFunc(k.files, c.Touches) || k.kind == catalogue.KindPlugin && c.Touches(plugin.LockPath(k.path))
	})
}

// retune loads those sources again whose processes are granted something else.
func (s *sources) retune(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var load []source
	for _, k := range s.known {
		if s.tune.of(k.handlers...) != k.granted {
			load = append(load, k.source)
		}
	}
	s.loadThese(ctx, load)
}

// sync loads new sources and those that are touched, and removes those that are gone.
func (s *sources) sync(ctx context.Context, touched func(*knownSource) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takeImported()
	// What changes from here on is told.
	s.watchFiles()
	s.load(ctx, touched)
	// Files that became known by that may have changed before they were watched.
	for tries := 0; tries < 3 && s.watchFiles(); tries++ {
		s.load(ctx, func(*knownSource) bool { return true })
	}
}

func (s *sources) load(ctx context.Context, touched func(*knownSource) bool) {
	found := s.find(ctx)
	var load []source
	for path, src := range found {
		if k := s.known[path]; k == nil || (touched(k) && k.digestOf(k.files) != k.digest) {
			load = append(load, src)
		}
	}
	removed := false
	for path := range s.known {
		if _, ok := found[path]; !ok {
			s.registry.Remove(path)
			delete(s.known, path)
			removed = true
		}
	}
	s.loadThese(ctx, load)
	if removed || len(load) > 0 {
		s.retryDuplicates(ctx)
	}
}

// retryDuplicates gives sources that were refused for a name another chance,
// once, as the name may have become free.
func (s *sources) retryDuplicates(ctx context.Context) {
	var again []source
	for _, k := range s.known {
		if k.duplicate {
			again = append(again, k.source)
		}
	}
	s.loadThese(ctx, again)
}

// loadThese loads sources side by side and registers them in the order of their
// paths, so that of two with the same name always the same one wins.
func (s *sources) loadThese(ctx context.Context, list []source) {
	slices.SortFunc(list, func(a, b source) int { return strings.Compare(a.path, b.path) })
	results := make([]loadedSource, len(list))
	errs := make([]error, len(list))
	var g errgroup.Group
	g.SetLimit(loadsAtOnce)
	for i, src := range list {
		old := s.known[src.path]
		g.Go(func() error {
			results[i], errs[i] = s.loadOne(ctx, src, old)
			return nil
		})
	}
	_ = g.Wait() // errors are kept one by one
	for i, src := range list {
		s.register(src, results[i], errs[i])
	}
}

// loadOne loads a source of which old is known, if anything is.
func (s *sources) loadOne(ctx context.Context, src source, old *knownSource) (loadedSource, error) {
	began := time.Now()
	hot, before := false, ""
	if old != nil {
		hot, before = len(old.handlers) > 0, src.digestOf(old.files)
	}
	result, err := src.load(ctx, s.loader, s.gate, s.tune, hot, func(files []string) { s.imported(src.path, files) })
	if err != nil {
		result.files = append(result.files, src.suppliers()...)
	}
	result.digest = src.digestOf(result.files)
	if old != nil && src.digestOf(old.files) != before || changedSince(result.files, began) {
		// What was loaded may be neither the old nor the new. The next report of the
		// change, which is on its way, finds a digest that is not that of the files.
		result.digest = ""
	}
	return result, err
}

func (s *sources) register(src source, result loadedSource, err error) {
	k := &knownSource{source: src, files: result.files, digest: result.digest}
	if old := s.known[src.path]; old != nil {
		k.handlers, k.granted = old.handlers, old.granted // in service as long as nothing takes their place
	}
	s.known[src.path] = k
	if err == nil {
		if err = s.registry.Put(result.set); err == nil {
			k.handlers = nil
			for _, h := range result.set.Handlers {
				k.handlers = append(k.handlers, h.Handler.Name)
			}
			k.granted = s.tune.of(k.handlers...)
			return
		}
		result.set.Close()
	}
	var duplicate *registry.DuplicateError
	k.failed, k.duplicate = true, errors.As(err, &duplicate)
	s.registry.Fail(src.failure(err))
}

// imported notes files that a source's module has imported while its jobs ran.
// It has a lock of its own: sources may be waited for while they are loaded.
func (s *sources) imported(path string, files []string) {
	s.lateMu.Lock()
	defer s.lateMu.Unlock()
	if s.late == nil {
		s.late = map[string][]string{}
	}
	s.late[path] = append(s.late[path], files...)
}

// takeImported makes those files dependencies. What they were when they were
// imported is not known, so that a change of any of them counts.
func (s *sources) takeImported() {
	s.lateMu.Lock()
	defer s.lateMu.Unlock()
	for path, files := range s.late {
		if k := s.known[path]; k != nil {
			k.files, k.digest = slices.Concat(k.files, files), ""
		}
	}
	s.late = nil
}

// find lists the sources that exist, by path.
func (s *sources) find(ctx context.Context) map[string]source {
	found := map[string]source{}
	for _, dir := range s.opts.HandlerDirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			s.opts.Logger.WarnContext(ctx, "handler directory could not be read", slog.Any("error", err))
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if isHandlerFile(path) {
				found[path] = source{path, catalogue.KindCustom}
			}
		}
	}
	for _, dir := range s.opts.PluginDirs {
		folders, err := plugin.Find(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			s.opts.Logger.WarnContext(ctx, "plugin directory could not be read", slog.Any("error", err))
			continue
		}
		for _, folder := range folders {
			found[folder] = source{folder, catalogue.KindPlugin}
		}
	}
	return found
}

// isHandlerFile reports whether a file is meant to be a handler: not a test, not
// type declarations, and not one whose underscore says that others import it.
func isHandlerFile(path string) bool {
	name := filepath.Base(path)
	if watcher.Ignored(path) || strings.HasPrefix(name, "_") {
		return false
	}
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	for _, suffix := range []string{".d", ".test", ".spec", "_test", ".config"} {
		if strings.HasSuffix(stem, suffix) {
			return false
		}
	}
	if strings.HasPrefix(stem, "test_") || stem == "conftest" {
		return false
	}
	return runtime.Language(path) != ""
}

// watchFiles watches the directories of everything that sources are made of, and
// reports whether some were not watched before.
func (s *sources) watchFiles() (more bool) {
	wanted := map[string]bool{}
	for _, list := range [][]string{s.opts.HandlerDirs, s.opts.PluginDirs} {
		for _, dir := range list {
			wanted[dir] = true
		}
	}
	for _, k := range s.known {
		if k.kind == catalogue.KindPlugin {
			wanted[filepath.Dir(k.path)], wanted[filepath.Dir(plugin.LockPath(k.path))] = true, true
		}
		for _, file := range k.files {
			if isDir(file) {
				wanted[file] = true
			} else {
				wanted[filepath.Dir(file)] = true
			}
		}
	}
	dirs := slices.Sorted(maps.Keys(wanted))
	more = slices.ContainsFunc(dirs, func(dir string) bool {
		_, found := slices.BinarySearch(s.dirs, dir)
		return !found
	})
	s.dirs = dirs
	s.watch.Watch(dirs...)
	return more
}
