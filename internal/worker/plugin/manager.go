package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// Options are the choices of a [Manager].
type Options struct {
	// Dir is the plugin directory. It is made when the first plugin is installed.
	Dir string
	// NPM is the npm program, looked up in PATH when it is first needed.
	// Defaults to "npm".
	NPM string
	// Env is the environment that npm sees, without JobRunner's own settings.
	// Defaults to that of this process.
	Env []string
	// HostVersion is this program's version, for plugins that ask for a range.
	// Every plugin is made for a version that is not a semantic one.
	HostVersion string
	// Base has the limits of plugins that ask for none of their own, see [Gate].
	Base *sandbox.Policy
	// HandlerEnv names the variables that are shown to every handler, see [Gate].
	HandlerEnv []string
	// Limits bound what a plugin may consist of.
	Limits Limits
	// Try loads a plugin in its sandbox before it is put in its place, and
	// returns the names of its handlers. Nil leaves that out.
	Try func(ctx context.Context, p *Plugin) ([]string, error)
}

// Manager changes a plugin directory. Several, in as many processes, may do so
// at once.
type Manager struct {
	opts Options
	dir  string
	npm  npm
}

// Errors of what is asked of a manager.
var (
	// ErrNotInstalled says that there is no such plugin in the lock file.
	ErrNotInstalled = errors.New("plugin is not installed")
	// ErrInstalled says that there is a plugin of that name already.
	ErrInstalled = errors.New("plugin is installed already")
	// ErrOccupied says that the plugin's folder exists but was not installed.
	ErrOccupied = errors.New("there is a folder in the plugin's place that was not installed")
	// ErrBusy says that somebody else changed the plugin in the meantime.
	ErrBusy = errors.New("plugin was changed by another process in the meantime")
)

// NewManager returns a manager of a plugin directory.
func NewManager(opts Options) (*Manager, error) {
	if opts.Dir == "" {
		return nil, errors.New("plugin manager: a directory is required")
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("plugin manager: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	if isPlugin(dir) {
		return nil, fmt.Errorf("%s is a plugin itself: name the directory that holds it", dir)
	}
	opts.Limits = opts.Limits.withDefaults()
	if opts.Env == nil {
		opts.Env = os.Environ()
	}
	return &Manager{opts: opts, dir: dir, npm: npm{cmp.Or(opts.NPM, "npm"), opts.Env}}, nil
}

// Dir is the plugin directory.
func (m *Manager) Dir() string { return m.dir }

// Path is where a plugin of the directory stands, or would.
func (m *Manager) Path(name string) string { return pluginPath(m.dir, name) }

// Entry returns what is installed under a name. It returns [ErrNotInstalled].
func (m *Manager) Entry(name string) (Entry, error) {
	lock, err := readLock(m.dir)
	if err != nil {
		return Entry{}, err
	}
	entry, ok := lock.Plugins[name]
	if !ok {
		return Entry{}, fmt.Errorf("%s: %w", name, ErrNotInstalled)
	}
	entry.Source = entry.Source.located(m.dir)
	return entry, nil
}

// Names lists what is installed.
func (m *Manager) Names() ([]string, error) {
	lock, err := readLock(m.dir)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(lock.Plugins)), nil
}

// change runs a change of the directory that excludes every other, with the
// lock file as it is then.
func (m *Manager) change(ctx context.Context, do func(lock *Lock) error) error {
	claim, err := claimToChange(ctx, m.dir)
	if err != nil {
		return err
	}
	defer claim.release()
	lock, err := readLock(m.dir)
	if err != nil {
		return err
	}
	if err := recoverAll(m.dir, lock); err != nil {
		return err
	}
	return do(lock)
}
