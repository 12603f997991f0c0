package worker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// Source is a file or folder that handlers come from, for callers that need its
// handlers without a worker.
type Source struct {
	source
	// Path is absolute.
	Path string
}

// FindSources lists what a path holds: the source itself if it is a file or a
// plugin, else what a worker finds in the directory, in order.
func FindSources(ctx context.Context, path string, log *slog.Logger) ([]Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("handlers are looked for where nothing is: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, err
	}
	switch {
	case runtime.Language(path) != "":
		return []Source{{source{path, catalogue.KindCustom}, path}}, nil
	case !info.IsDir():
		return nil, fmt.Errorf("%s is no handler: it is neither in a language that handlers are written in nor a program that may be executed", path)
	}
	opts := Options{HandlerDirs: []string{path}, PluginDirs: []string{path}, Logger: log}
	if folders, err := plugin.Find(path); err == nil && slices.Contains(folders, path) {
		opts.HandlerDirs = nil
	}
	found := (&sources{opts: opts}).find(ctx)
	list := make([]Source, 0, len(found))
	for p, s := range found {
		list = append(list, Source{s, p})
	}
	slices.SortFunc(list, func(a, b Source) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// Load builds the source and describes its handlers. Files are the local files
// that it is made of, known as far as loading came; the caller closes the set.
// Plugins need not have been installed.
func (s Source) Load(ctx context.Context, loader *runtime.Loader) (set registry.Set, files []string, err error) {
	loaded, err := s.load(ctx, loader, plugin.Gate{Uninstalled: true}, tuning{}, false, nil)
	return loaded.set, loaded.files, err
}

// Failure describes the source as one that could not be loaded.
func (s Source) Failure(err error) registry.Failure { return s.failure(err) }
