package plugin

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// Gate decides which plugin folders a worker loads, and what they may do.
type Gate struct {
	// Uninstalled lets folders in that were never installed, with the
	// permissions that they ask for. Those that were installed are verified all
	// the same.
	Uninstalled bool
	// HostVersion is this program's version, see [Options].
	HostVersion string
	// Base has the limits of plugins that ask for none of their own. Defaults to
	// [sandbox.Default]; what it permits does not count.
	Base *sandbox.Policy
	// Env names the variables that are shown to every handler; a plugin sees them
	// only if it was granted them.
	Env []string
	// Limits bound what a plugin may consist of.
	Limits Limits
}

// UninstalledError says that a plugin folder was never installed.
type UninstalledError struct {
	// Path is the folder.
	Path string
}

// Error names the ways to have it loaded.
func (e *UninstalledError) Error() string {
	return fmt.Sprintf("the plugin in %s was not installed, so nobody has granted what it asks for: run `jobrunner plugin install %s`, "+
		"or set uninstalled-plugins to load such folders as they are", e.Path, e.Path)
}

// Open reads a plugin folder for a worker. It returns a [*ModifiedError] if its
// files are not those that were installed, an [*UninstalledError], a
// [*PermissionError] if it asks for more than it was granted, an [*EngineError]
// or a [*LockError].
func (g Gate) Open(ctx context.Context, dir string) (*Plugin, error) {
	home, name := place(dir)
	claim, err := claimToRead(ctx, home)
	if err != nil {
		return nil, err
	}
	defer claim.release()
	lock, err := readLock(home)
	if err != nil {
		return nil, err
	}
	entry, installed := lock.Plugins[name]
	if !installed && !g.Uninstalled {
		return nil, &UninstalledError{dir}
	}
	if installed {
		if _, err := verifyFiles(home, name, entry, g.Limits.withDefaults()); err != nil {
			return nil, err
		}
	}
	p, err := Read(dir)
	if err != nil {
		return nil, err
	}
	if installed {
		if p.Name != name || p.Version != entry.Version {
			return nil, &LockError{LockPath(dir), fmt.Errorf("it calls %s %s what is %s %s", name, entry.Version, p.Name, p.Version)}
		}
		if missing := p.Permissions.Beyond(entry.Permissions); len(missing) > 0 {
			return nil, &PermissionError{name, missing}
		}
	}
	if err := p.checkHost(g.HostVersion); err != nil {
		return nil, err
	}
	p.confine(g.Base, g.Env)
	return p, nil
}

// confine gives the plugin's modules the sandbox that its permissions amount to.
func (p *Plugin) confine(base *sandbox.Policy, shown []string) {
	if base == nil {
		usual := sandbox.Default()
		base = &usual
	}
	for i := range p.Modules {
		policy := p.Permissions.policy(*base).WithRead(p.Dir)
		p.Modules[i].Policy = &policy
		p.Modules[i].Env, p.Modules[i].OnlyEnv = p.Permissions.env(shown), true
	}
}

// place returns the plugin directory that a plugin folder lies in, and its name there.
func place(dir string) (home, name string) {
	home, name = filepath.Dir(dir), filepath.Base(dir)
	if scope := filepath.Base(home); strings.HasPrefix(scope, "@") {
		return filepath.Dir(home), scope + "/" + name
	}
	return home, name
}

// LockPath is the lock file that speaks of a plugin folder, whether it exists or not.
func LockPath(dir string) string {
	home, _ := place(dir)
	return filepath.Join(home, LockName)
}

// Installed returns a text that changes whenever what the lock file says of a
// plugin folder does: when that happens, the folder is to be opened again.
func Installed(dir string) string {
	home, name := place(dir)
	lock, err := readLock(home)
	if err != nil {
		return "damaged"
	}
	entry, ok := lock.Plugins[name]
	if !ok {
		return ""
	}
	return entry.Checksum + " " + fmt.Sprint(entry.Permissions.List())
}
