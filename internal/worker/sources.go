package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
// directories. Its methods are called one after the other.
type sources struct {
	opts     Options
	loader   *runtime.Loader
	registry *registry.Registry
	watch    *watcher.Watcher

	known map[string]*knownSource // by path
}

// knownSource is a source as it was last tried.
type knownSource struct {
	source
	files     []string // what it depends on
	digest    string   // of those files
	duplicate bool     // refused because another source has one of its names
}

func newSources(opts Options, loader *runtime.Loader, reg *registry.Registry, watch *watcher.Watcher) *sources {
	return &sources{opts: opts, loader: loader, registry: reg, watch: watch, known: map[string]*knownSource{}}
}

// loadAll loads every source there is.
func (s *sources) loadAll(ctx context.Context) { s.sync(ctx, func(*knownSource) bool { return true }) }

// changed reloads what a change of files touches.
func (s *sources) changed(ctx context.Context, c watcher.Change) {
	s.sync(ctx, func(k *knownSource) bool {
		return c.Lost || slices.ContainsFunc(k.files, func(file string) bool { return slices.Contains(c.Paths, file) })
	})
}

// sync loads new sources and those that are touched, and removes those that are gone.
func (s *sources) sync(ctx context.Context, touched func(*knownSource) bool) {
	found := s.find(ctx)
	var load []source
	for path, src := range found {
		if k := s.known[path]; k == nil || (touched(k) && digest(k.files) != k.digest) {
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
	slices.SortFunc(load, func(a, b source) int { return strings.Compare(a.path, b.path) })
	s.loadThese(ctx, load)
	if removed || len(load) > 0 {
		s.retryDuplicates(ctx)
	}
	s.watchFiles(ctx)
}

// retryDuplicates gives sources that were refused for a name another chance,
// once, as the name may have become free.
func (s *sources) retryDuplicates(ctx context.Context) {
	var again []source
	for _, path := range slices.Sorted(maps.Keys(s.known)) {
		if k := s.known[path]; k.duplicate {
			again = append(again, k.source)
		}
	}
	s.loadThese(ctx, again)
}

// loadThese loads sources side by side and registers them in their order, so
// that of two with the same name always the same one wins.
func (s *sources) loadThese(ctx context.Context, list []source) {
	results := make([]loadedSource, len(list))
	errs := make([]error, len(list))
	var g errgroup.Group
	g.SetLimit(loadsAtOnce)
	for i, src := range list {
		g.Go(func() error {
			results[i], errs[i] = src.load(ctx, s.loader)
			return nil
		})
	}
	_ = g.Wait() // errors are kept one by one
	for i, src := range list {
		s.register(src, results[i], errs[i])
	}
}

func (s *sources) register(src source, result loadedSource, err error) {
	k := &knownSource{source: src, files: result.files}
	k.digest = digest(k.files)
	s.known[src.path] = k
	if err == nil {
		if err = s.registry.Put(result.set); err == nil {
			return
		}
		result.set.Close()
	}
	var duplicate *registry.DuplicateError
	k.duplicate = errors.As(err, &duplicate)
	s.registry.Fail(src.failure(err))
}

// find lists the sources that exist, by path.
func (s *sources) find(ctx context.Context) map[string]source {
	found := map[string]source{}
	for _, dir := range s.opts.HandlerDirs {
		entries, err := os.ReadDir(dir)
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

// watchFiles watches the directories of everything that sources are made of.
func (s *sources) watchFiles(ctx context.Context) {
	dirs := map[string]bool{}
	for _, list := range [][]string{s.opts.HandlerDirs, s.opts.PluginDirs} {
		for _, dir := range list {
			dirs[dir] = true
		}
	}
	for path, k := range s.known {
		if k.kind == catalogue.KindPlugin {
			dirs[path] = true
		}
		for _, file := range k.files {
			dirs[filepath.Dir(file)] = true
		}
	}
	for dir := range dirs {
		if err := s.watch.Add(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.opts.Logger.WarnContext(ctx, "changes will not be noticed", slog.Any("error", err))
		}
	}
}

// digest sums up the content of files; those that cannot be read count as missing.
func digest(paths []string) string {
	h := sha256.New()
	for _, path := range paths {
		_, _ = fmt.Fprintf(h, "\x00%s\x00", path)
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		_, _ = io.Copy(h, f)
		_ = f.Close() // it was only read
	}
	return hex.EncodeToString(h.Sum(nil))
}
