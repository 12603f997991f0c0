package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// source is a file or plugin folder that handlers come from.
type source struct {
	path string
	kind catalogue.Kind
}

// loadedSource is what loading a source gave: a set of handlers, and the files
// that it depends on, known as far as loading came.
type loadedSource struct {
	set    registry.Set
	files  []string
	digest string // of the files, empty if they changed while they were loaded
}

// load builds a source's modules. If one of them fails, none stays. Hot says that
// an earlier version is in service, so that jobs are likely to come at once.
// Imported is told of files that become known while jobs run.
func (s source) load(
	ctx context.Context, loader *runtime.Loader, gate plugin.Gate, tune tuning, hot bool, imported func(files []string),
) (loadedSource, error) {
	described := &plugin.Plugin{Modules: []runtime.Module{{Path: s.path}}}
	result := loadedSource{set: registry.Set{Source: s.path}, files: []string{s.path}}
	if s.kind == catalogue.KindPlugin {
		result.files = []string{filepath.Join(s.path, plugin.Manifest), filepath.Join(s.path, "package.json")}
		var err error
		if described, err = gate.Open(ctx, s.path); err != nil {
			result.files = append(result.files, s.modified(err)...)
			return result, err
		}
	}
	var hosts []runtime.Host
	closeAll := func() {
		for _, h := range hosts {
			h.Close()
		}
	}
	for _, module := range described.Modules {
		if module.Entry == "" {
			result.files = append(result.files, module.Path)
		}
		module.Hot, module.Imported = hot, imported
		loaded, err := tune.load(ctx, loader, module)
		result.files = append(result.files, loaded.Dependencies...)
		if err != nil {
			closeAll()
			return result, err
		}
		hosts = append(hosts, loaded.Host)
		for _, d := range loaded.Handlers {
			result.set.Handlers = append(result.set.Handlers, s.entry(loaded, d, described))
		}
	}
	result.set.Close = closeAll
	return result, nil
}

// modified are the files that keep a plugin from being loaded, because they are
// not those that were installed: once they are, it may load.
func (s source) modified(err error) []string {
	changed, ok := errors.AsType[*plugin.ModifiedError](err)
	if !ok {
		return nil
	}
	var files []string
	for _, c := range changed.Changes {
		files = append(files, filepath.Join(s.path, filepath.FromSlash(c.Path)))
	}
	return files
}

func (s source) entry(loaded *runtime.Loaded, d runtime.Described, p *plugin.Plugin) registry.Entry {
	version := d.Version
	if version == "" || version == "0.0.0" {
		version = cmp.Or(p.Version, version, "0.0.0")
	}
	return registry.Entry{
		Handler: catalogue.Handler{
			Name: d.Name, Version: version + "+" + loaded.Hash, Description: d.Description,
			Author: cmp.Or(d.Author, p.Author), Kind: s.kind, Source: s.path, Language: loaded.Language,
			DataSchema: withoutNull(d.DataSchema), ResultSchema: withoutNull(d.ResultSchema), Defaults: d.Defaults,
		},
		Runner: hosted{loaded.Host, d.Name},
	}
}

// failure describes a source that did not load.
func (s source) failure(err error) registry.Failure {
	f := registry.Failure{Source: s.path, Kind: s.kind, Language: runtime.Language(s.path), Name: stem(s.path)}
	if !errors.As(err, &f.Err) {
		f.Err = &catalogue.LoadError{Message: err.Error(), File: s.path, At: time.Now()}
	}
	return f
}

// hosted runs a handler of a module's process.
type hosted struct {
	host runtime.Host
	name string
}

var _ registry.Runner = hosted{}

// Run implements [registry.Runner].
func (h hosted) Run(ctx handler.Context) (json.RawMessage, error) { return h.host.Run(ctx, h.name) }

// withoutNull makes the null that a shim writes for no schema no schema.
func withoutNull(schema json.RawMessage) json.RawMessage {
	if string(schema) == "null" {
		return nil
	}
	return slices.Clip(schema)
}

// maxSuppliers bounds how many directories are looked at for what a source misses.
const maxSuppliers = 64

// suppliers are where what a source misses may come from: its directory and
// those in it, and what package managers write when they are done.
func (s source) suppliers() []string {
	dir := s.path
	if !isDir(dir) {
		dir = filepath.Dir(dir)
	}
	found := []string{dir}
	for _, name := range namesIn(dir) {
		if path := filepath.Join(dir, name); isDir(path) && len(found) < maxSuppliers {
			found = append(found, path)
		}
	}
	for _, root := range []string{dir, filepath.Dir(dir)} {
		found = append(found, filepath.Join(root, "package.json"))
		for _, name := range watcher.Installed {
			found = append(found, filepath.Join(root, "node_modules", name))
		}
	}
	return found
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
