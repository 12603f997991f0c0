// Package registry holds the handlers of a worker: which name is answered by
// which version of which source, and which versions still finish their jobs.
//
// Handlers come in a [Set], all of one source, and go into service together or
// not at all. A set that is replaced drains: it is closed when the last job
// that began with it has ended.
package registry

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/codeframe"
)

// Options are the choices of a [Registry]; the zero value is fine.
type Options struct {
	// Changed is called after every change of what [Registry.Catalogue] returns.
	// It must not block. Nil calls nothing.
	Changed func()
	// Logger is told of handlers that come and go. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Registry is safe for concurrent use.
type Registry struct {
	opts Options

	mu       sync.Mutex
	sets     map[string]*liveSet // guarded by mu; by source
	versions map[string]*Version // guarded by mu; by handler name
	failures map[string]Failure  // guarded by mu; by source
	draining []*liveSet          // guarded by mu; replaced or removed, with jobs that run
	schemas  catalogue.SchemaCache
	closing  sync.WaitGroup // sets being closed
}

// New returns a registry without handlers.
func New(opts Options) *Registry {
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	if opts.Changed == nil {
		opts.Changed = func() {}
	}
	return &Registry{
		opts: opts, sets: map[string]*liveSet{}, versions: map[string]*Version{}, failures: map[string]Failure{},
	}
}

// DuplicateError says that two sources want to answer the same name.
type DuplicateError struct {
	// Name is the handler's name, Source the source that was refused, Existing
	// the one that has the name.
	Name, Source, Existing string
}

func (e *DuplicateError) Error() string {
	advice := "rename one of them"
	if e.Existing == "core" {
		advice = "rename it, or leave the core handler out with the setting omit-core"
	}
	return fmt.Sprintf("handler %q of %s is already defined by %s; %s", e.Name, e.Source, e.Existing, advice)
}

// Put brings a set into service in place of the one its source had. If that
// fails, the old set stays in service and the caller keeps the new one, to
// close it; a [*DuplicateError] says that another source has one of the names.
func (r *Registry) Put(set Set) error {
	live, err := r.newLiveSet(set)
	if err != nil {
		return err
	}
	r.mu.Lock()
	for name := range live.versions {
		if v, ok := r.versions[name]; ok && v.set.source != set.Source {
			r.mu.Unlock()
			return &DuplicateError{Name: name, Source: set.Source, Existing: v.set.source}
		}
	}
	old := r.sets[set.Source]
	r.dropLocked(old)
	r.sets[set.Source] = live
	maps.Copy(r.versions, live.versions)
	delete(r.failures, set.Source)
	r.mu.Unlock()

	for _, name := range slices.Sorted(maps.Keys(live.versions)) {
		v := live.versions[name]
		r.opts.Logger.Info("handler is in service", slog.String("handler", name),
			slog.String("version", v.Version), slog.String("source", set.Source))
	}
	r.opts.Changed()
	return nil
}

// Failure is a source that could not be loaded.
type Failure struct {
	// Source is the source, Name what to call it in lists while no version of it
	// has been loaded.
	Source   string
	Name     string
	Kind     catalogue.Kind
	Language string
	Err      *catalogue.LoadError
}

// Fail records that the newest version of a source could not be loaded. The
// version in service, if there is one, stays.
func (r *Registry) Fail(f Failure) {
	r.mu.Lock()
	r.failures[f.Source] = f
	r.mu.Unlock()
	r.opts.Logger.Warn("handler could not be loaded", slog.String("source", f.Source),
		slog.String("error", f.Err.Message),
		slog.String("at", codeframe.Place{File: f.Err.File, Line: f.Err.Line, Column: f.Err.Column}.String()),
		slog.String("frame", f.Err.Frame))
	r.opts.Changed()
}

// Remove takes a source out of service.
func (r *Registry) Remove(source string) {
	r.mu.Lock()
	old, failed := r.sets[source], r.failures[source].Err != nil
	r.dropLocked(old)
	delete(r.sets, source)
	delete(r.failures, source)
	r.mu.Unlock()
	if old == nil && !failed {
		return
	}
	r.opts.Logger.Info("handler source was removed", slog.String("source", source))
	r.opts.Changed()
}

// Sources returns the sources that are in service or have failed, sorted.
func (r *Registry) Sources() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := slices.Collect(maps.Keys(r.sets))
	for source := range r.failures {
		if r.sets[source] == nil {
			names = append(names, source)
		}
	}
	slices.Sort(names)
	return names
}

// Acquire returns the active version of a handler, held for one job: it stays
// usable until its [Lease.Release], even if it is replaced meanwhile.
func (r *Registry) Acquire(name string) (*Lease, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.versions[name]
	if !ok {
		return nil, false
	}
	v.set.users++
	v.running++
	return &Lease{Version: v, registry: r}, true
}

// Lookup describes the active version of a handler, nil if there is none. It
// must not be changed.
func (r *Registry) Lookup(name string) *catalogue.Handler {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.versions[name]; ok {
		return &v.Handler
	}
	return nil
}

// Loads tells by name what the handlers do now: those that run jobs, on the
// active version or on one that drains.
func (r *Registry) Loads() map[string]catalogue.Load {
	r.mu.Lock()
	defer r.mu.Unlock()
	loads := map[string]catalogue.Load{}
	for name, v := range r.versions {
		if v.running > 0 {
			loads[name] = catalogue.Load{Handler: name, Running: v.running}
		}
	}
	for _, set := range r.draining {
		for name, v := range set.versions {
			if v.running == 0 {
				continue
			}
			load := loads[name]
			load.Handler = name
			load.Running += v.running
			load.Draining = append(load.Draining, catalogue.Draining{Version: v.Version, Running: v.running})
			loads[name] = load
		}
	}
	return loads
}

// Catalogue describes all handlers by name, those that failed to load included.
func (r *Registry) Catalogue() []catalogue.Handler {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]catalogue.Handler, 0, len(r.versions)+len(r.failures))
	for _, v := range r.versions {
		h := v.Handler
		h.Error = r.failures[v.set.source].Err
		list = append(list, h)
	}
	for source, f := range r.failures {
		if r.sets[source] == nil {
			list = append(list, catalogue.Handler{
				Name: f.Name, Kind: f.Kind, Source: source, Language: f.Language, Error: f.Err,
			})
		}
	}
	slices.SortFunc(list, func(a, b catalogue.Handler) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Source, b.Source))
	})
	return list
}

// Close takes every source out of service and waits until their sets are
// closed, at most until ctx ends. Jobs must have ended before.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	for source, set := range r.sets {
		r.dropLocked(set)
		delete(r.sets, source)
	}
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.closing.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing handlers: %w", context.Cause(ctx))
	}
}

// dropLocked takes a set out of service and closes it once no job uses it.
func (r *Registry) dropLocked(set *liveSet) {
	if set == nil {
		return
	}
	for name, v := range r.versions {
		if v.set == set {
			delete(r.versions, name)
		}
	}
	set.retired = true
	if set.users > 0 {
		r.draining = append(r.draining, set)
	}
	r.closeIfUnusedLocked(set)
}

func (r *Registry) closeIfUnusedLocked(set *liveSet) {
	if !set.retired || set.users > 0 || set.close == nil {
		return
	}
	closeSet := set.close
	set.close = nil
	r.closing.Go(closeSet)
}

// release gives a version back, and tells whether its set has drained with that.
func (r *Registry) release(v *Version) (drained bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v.running--
	v.set.users--
	if v.set.retired && v.set.users == 0 {
		r.draining = slices.DeleteFunc(r.draining, func(s *liveSet) bool { return s == v.set })
		drained = true
	}
	r.closeIfUnusedLocked(v.set)
	return drained
}
