package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// Module is what to load.
type Module struct {
	// Path is the source file, or the folder of a Go module. With an Entry it only
	// names the module and says where imports are resolved from.
	Path string
	// Entry is JavaScript text to build in place of the file's.
	Entry string
	// Env names variables of our environment that the module's handlers may see,
	// besides those of [LoaderOptions], or with OnlyEnv in place of those.
	Env     []string
	OnlyEnv bool
	// Policy is what the module's handlers may do. Nil takes the loader's.
	Policy *sandbox.Policy
	// KeepAlive starts the module's process at once and lets it stay without
	// jobs. A module may ask for that itself.
	KeepAlive bool
	// Imported is told of local files that the module imports while its jobs run,
	// which are its dependencies from then on. Nil is told nothing.
	Imported func(files []string)
	// Hot says that jobs are likely to come at once, as for a new version of a
	// module in service: a process that was started to describe the module stays
	// for them.
	Hot bool
}

// Loaded is a module that has been built and described.
type Loaded struct {
	Handlers []Described
	Host     Host
	// Language is what [Language] says of the source.
	Language string
	// Hash changes with the module's content and that of what it imports.
	Hash string
	// Dependencies are the absolute paths of the local files that the module is
	// made of, sorted. Some of them may not exist.
	Dependencies []string
}

// Load builds the module and has it describe itself, unless one of the same
// content has done so before. The error is a [*catalogue.LoadError]; with it
// comes a Loaded that has the dependencies only, as far as they are known.
func (l *Loader) Load(ctx context.Context, m Module) (*Loaded, error) {
	path, err := filepath.Abs(m.Path)
	if err != nil {
		failed, _ := loadError(err, m.Path)
		return &Loaded{}, failed
	}
	m.Path = path
	b := &build{loader: l, module: m, language: Language(path), sdk: filepath.Join(l.dir, "sdk"), began: time.Now()}
	loaded, err := l.load(ctx, b)
	if err != nil {
		// Mended in one of its files, it may load.
		failed, files := loadError(err, path)
		b.inputs = append(b.inputs, files...)
		return &Loaded{Language: b.language, Dependencies: b.dependencies(nil)}, failed
	}
	return loaded, nil
}

func (l *Loader) load(ctx context.Context, b *build) (loaded *Loaded, err error) {
	if b.dir, err = os.MkdirTemp(l.dir, "module-"); err != nil {
		return nil, fmt.Errorf("module directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(b.dir))
		}
	}()
	if err = b.make(ctx); err != nil {
		return nil, err
	}
	log := l.opts.Logger.With(slog.String("source", b.module.Path))
	if b.plain != nil {
		host := &programHost{command: b.command, limits: l.opts.Limits, log: log, dir: b.dir}
		return b.loaded(host, b.plain)
	}
	host := &moduleHost{
		command: b.command, limits: l.opts.Limits, log: log, source: b.module.Path, dir: b.dir,
		keepAlive: b.module.KeepAlive, imported: b.module.Imported,
	}
	described, err := l.describe(ctx, b, host)
	if err == nil {
		loaded, err = b.loaded(host, described)
	}
	if err != nil {
		host.Close()
		return nil, err
	}
	return loaded, nil
}

// describe asks the cache, or else the module itself.
func (l *Loader) describe(ctx context.Context, b *build, host *moduleHost) (*description, error) {
	if key := b.key(l.cache.inputs(b.module.Path)); key != "" {
		if d, ok := l.cache.description(key); ok {
			for _, h := range d.Handlers {
				host.keepAlive = host.keepAlive || h.KeepAlive
			}
			if host.keepAlive {
				return d, host.warm(ctx)
			}
			return d, nil
		}
	}
	d, err := host.describe(ctx, b.module.Hot)
	if err != nil {
		return nil, err
	}
	if key := b.key(d.Dependencies); key != "" && !changedSince(b.began, b.dependencies(d.Dependencies)) {
		if err := errors.Join(l.cache.putDescription(key, d), l.cache.putInputs(b.module.Path, d.Dependencies)); err != nil {
			l.opts.Logger.WarnContext(ctx, "description of handlers is not cached", slog.Any("error", err))
		}
	}
	return d, nil
}

// build makes the command that runs a module.
type build struct {
	loader   *Loader
	module   Module
	language string
	dir      string // for what is built, and the process's temporary files
	sdk      string
	began    time.Time

	// command starts the process, inputs are the local files it is made of and
	// installed those that only a package manager changes. plain describes a program
	// that does not speak the protocol.
	command   command
	inputs    []string
	installed []string
	plain     *description
	// reads are what the process must be able to read, besides its source's folder.
	reads []string
}

func (b *build) make(ctx context.Context) error {
	if err := b.makeCommand(ctx); err != nil {
		return err
	}
	b.command.temp = b.dir
	b.command.policy = b.policy()
	return nil
}

func (b *build) makeCommand(ctx context.Context) error {
	switch b.language {
	case languageJavaScript, languageTypeScript:
		return b.javascript(ctx)
	case languagePython:
		return b.python(ctx)
	case languageGo:
		return b.golang(ctx)
	case "":
		return fmt.Errorf("%s is no handler: its ending is of no language that handlers are written in, and it is no program that may be executed",
			filepath.Base(b.module.Path))
	default:
		return b.executable(ctx)
	}
}

// python needs no building.
func (b *build) python(ctx context.Context) error {
	python, err := b.interpreter(ctx, b.loader.opts.Python, "Python")
	if err != nil {
		return err
	}
	b.run(python, []string{"-u", "-B", filepath.Join(b.sdk, "python", "jobrunner_host.py"), b.module.Path},
		"PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1")
	return nil
}

// run sets what is executed, in the source's folder.
func (b *build) run(path string, args []string, env ...string) {
	b.command.path, b.command.args = path, args
	b.command.dir = filepath.Dir(b.module.Path)
	shown := b.module.Env
	if !b.module.OnlyEnv {
		shown = slices.Concat(b.loader.opts.Env, shown)
	}
	b.command.env = environment(shown, env...)
	b.reads = append(b.reads, path, b.dir, b.sdk)
}

// key is under which name the module's description is cached: it changes with
// all that the description depends on. It is "" if that cannot be told.
func (b *build) key(described []string) string {
	hash, err := b.hash(described)
	if err != nil || len(b.inputs)+len(described) == 0 {
		return ""
	}
	program := b.command.path
	if filepath.Dir(program) == b.dir {
		program = "" // built from what is hashed
	}
	return hashText(b.module.Path, b.language, b.loader.shims, program, hash)
}

// hash sums up the content that the module is made of, wherever it lies.
func (b *build) hash(described []string) (string, error) {
	slices.Sort(b.installed)
	return hashFiles(existing(append(b.dependencies(described), b.installed...)))
}

// dependencies are the files to watch: the module's own, what it was built from
// and what it has itself described.
func (b *build) dependencies(described []string) []string {
	list := slices.Concat(b.inputs, described)
	if b.module.Entry == "" && isFile(b.module.Path) {
		list = append(list, b.module.Path)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// changedSince reports whether a file was written after a time, so that what was
// made of it may be made of what it was before.
func changedSince(t time.Time, paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.ModTime().After(t)
	})
}

func existing(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return !isFile(path) })
}

func (b *build) loaded(host Host, d *description) (*Loaded, error) {
	if len(d.Handlers) == 0 {
		return nil, errors.New("the module defines no handler")
	}
	hash, err := b.hash(d.Dependencies)
	if err != nil {
		return nil, err
	}
	return &Loaded{
		Handlers: d.Handlers, Host: host, Language: b.language, Hash: hash[:8],
		Dependencies: b.dependencies(d.Dependencies),
	}, nil
}
