package worker

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// Options are the choices of a [Supervisor].
type Options struct {
	// Backend holds the queues. Required; the supervisor does not close it.
	Backend *bullmq.Redis
	// Prefix is the queues' key prefix. Defaults to [bullmq.DefaultPrefix].
	Prefix string
	// Name is what BullMQ's lists of workers and the jobs it has run call the
	// worker. Defaults to host:pid.
	Name string
	// Settings are those to begin with.
	Settings Settings
	// HandlerDirs are directories whose files are handlers. One that does not exist
	// yet is noticed when it does; its parent must exist.
	HandlerDirs []string
	// PluginDirs are plugin folders, or directories of such, to which the same applies.
	PluginDirs []string
	// UninstalledPlugins loads plugin folders that were never installed too, for
	// who writes them. Those that were are verified all the same.
	UninstalledPlugins bool
	// Version is this program's, for plugins that ask for a range of versions.
	// Defaults to "", which suits every plugin.
	Version string
	// Handlers are further compiled-in handlers.
	Handlers []*handler.Definition
	// Core are the choices of the core handlers.
	Core core.Options
	// Runtime are the choices for handlers that run in child processes.
	Runtime runtime.LoaderOptions
	// Watch says how changes of handlers' files are noticed. Defaults to [watcher.Auto].
	Watch watcher.Mode
	// Discover is how often queues are looked for that fit a pattern; where that
	// takes long it is done less often. Defaults to 5 s.
	Discover time.Duration
	// ShutdownTimeout is how long Run waits for running jobs after its context has
	// ended; those that still run then go back to wait. Defaults to 30 s.
	ShutdownTimeout time.Duration
	// Logger defaults to [slog.Default].
	Logger *slog.Logger
}

// cancelGrace is how long a handler may take to stop when it is told to. It is
// less than the engine waits for jobs that it cut off, so that one which does not
// listen still gets its job back to wait.
const cancelGrace = 3 * time.Second

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, bullmq.DefaultPrefix)
	o.Settings = o.Settings.withDefaults(o.Prefix)
	o.Discover = cmp.Or(o.Discover, 5*time.Second)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, 30*time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.Runtime.Logger = cmp.Or(o.Runtime.Logger, o.Logger)
	o.Runtime.Limits.CancelGrace = cmp.Or(o.Runtime.Limits.CancelGrace, cancelGrace)
	o.HandlerDirs, o.PluginDirs = slices.Clone(o.HandlerDirs), slices.Clone(o.PluginDirs)
	return o
}

func (o *Options) validate() error {
	if o.Backend == nil {
		return errors.New("a backend is required")
	}
	if err := checkWorkerName(o.Name); err != nil {
		return err
	}
	if err := o.Settings.validate(o.Backend); err != nil {
		return err
	}
	return errors.Join(makeAbsolute("handler", o.HandlerDirs), makeAbsolute("plugin", o.PluginDirs))
}

// checkWorkerName refuses what Redis does not take as a connection's name.
func checkWorkerName(name string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("name %q: only printable ASCII without spaces is shown in lists of workers", name)
	}
	return nil
}

// makeAbsolute checks directories, and resolves their paths so that they compare
// with what the watcher and the runtimes report.
func makeAbsolute(kind string, dirs []string) error {
	for i, dir := range dirs {
		path, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			// Its parent tells what the path will be once it exists.
			parent, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return fmt.Errorf("%s directory: %w", kind, err)
			}
			dirs[i] = filepath.Join(parent, filepath.Base(path))
			continue
		case err != nil:
			return fmt.Errorf("%s directory: %w", kind, err)
		case !info.IsDir():
			return fmt.Errorf("%s directory %s is not a directory", kind, dir)
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return fmt.Errorf("%s directory: %w", kind, err)
		}
		dirs[i] = path
	}
	return nil
}
