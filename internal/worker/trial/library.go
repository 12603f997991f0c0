package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// loadsAtOnce is how many sources are loaded side by side; each starts processes.
const loadsAtOnce = 4

// Library is the handlers of some files and folders, loaded as a worker loads
// them. It must be closed.
type Library struct {
	registry *registry.Registry
	sources  []worker.Source
	files    []string
}

// Open loads what the paths hold: handler files, plugin folders, and directories
// of such. A source that does not load is no error of Open: [Library.Handlers]
// tells of it. A path that is none of these is, and so is the end of ctx.
func Open(ctx context.Context, loader *runtime.Loader, log *slog.Logger, paths ...string) (*Library, error) {
	l := &Library{registry: registry.New(registry.Options{Logger: slog.New(slog.DiscardHandler)})}
	for _, path := range paths {
		found, err := worker.FindSources(ctx, path, log)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			if !slices.ContainsFunc(l.sources, func(known worker.Source) bool { return known.Path == s.Path }) {
				l.sources = append(l.sources, s)
			}
		}
	}
	l.load(ctx, loader)
	if ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), l.Close()) //nolint:contextcheck // ctx has ended
	}
	return l, nil
}

// load loads the sources side by side and registers them in their order, so
// that of two with the same name always the same one is refused.
func (l *Library) load(ctx context.Context, loader *runtime.Loader) {
	type result struct {
		set   registry.Set
		files []string
		err   error
	}
	results := make([]result, len(l.sources))
	var g errgroup.Group
	g.SetLimit(loadsAtOnce)
	for i, s := range l.sources {
		g.Go(func() error {
			set, files, err := s.Load(ctx, loader)
			results[i] = result{set, files, err}
			return nil
		})
	}
	_ = g.Wait() // errors are kept one by one
	for i, s := range l.sources {
		r := results[i]
		l.files = append(l.files, r.files...)
		if r.err == nil {
			if r.err = l.registry.Put(r.set); r.err != nil {
				r.set.Close()
			}
		}
		if r.err != nil {
			failure := s.Failure(r.err)
			l.registry.Fail(failure)
			l.files = append(l.files, failure.Err.File)
		}
	}
	slices.Sort(l.files)
	l.files = slices.Compact(l.files)
}

// Handlers describes the handlers by name. One whose Error is set did not load.
func (l *Library) Handlers() []catalogue.Handler { return l.registry.Catalogue() }

// Problems returns why sources did not load, ordered by place.
func (l *Library) Problems() []*catalogue.LoadError {
	var list []*catalogue.LoadError
	for _, h := range l.Handlers() {
		if h.Error != nil {
			list = append(list, h.Error)
		}
	}
	slices.SortFunc(list, func(a, b *catalogue.LoadError) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return list
}

// Files are the files that the handlers are made of, sorted.
func (l *Library) Files() []string { return l.files }

// Close ends the handlers' processes.
func (l *Library) Close() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), 30*time.Second,
		errors.New("handler processes did not end in time"))
	defer cancel()
	return l.registry.Close(ctx)
}

// Choose returns the name of the handler to run: the wanted one, or, with none
// wanted, the only one there is.
func (l *Library) Choose(wanted string) (string, error) {
	var names []string
	for _, h := range l.Handlers() {
		if h.InService() {
			names = append(names, h.Name)
		}
	}
	switch {
	case wanted != "" && slices.Contains(names, wanted):
		return wanted, nil
	case wanted != "":
		return "", fmt.Errorf("there is no handler %q; there is %s", wanted, strings.Join(names, ", "))
	case len(names) == 1:
		return names[0], nil
	case len(names) == 0:
		return "", errors.New("there is no handler")
	default:
		return "", fmt.Errorf("there are %d handlers; choose one with --handler: %s", len(names), strings.Join(names, ", "))
	}
}
