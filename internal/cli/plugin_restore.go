package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// restoredPlugin is what became of a plugin of the lock file, for programs.
type restoredPlugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Action is installed or unchanged.
	Action string `json:"action"`
	Path   string `json:"path"`
}

// restorePlugins installs what the lock files list and is not there. The failure
// of one plugin does not stop the others.
func (p *Process) restorePlugins(ctx context.Context, list []*plugin.Manager, asJSON bool) error {
	results := []restoredPlugin{}
	var errs []error
	for _, m := range list {
		names, err := m.Names()
		if err != nil {
			return err
		}
		for _, name := range names {
			if ctx.Err() != nil {
				return errInterrupted
			}
			result, err := restorePlugin(ctx, m, name)
			if err != nil {
				errs = append(errs, fmt.Errorf("install of %s: %w", name, err))
				continue
			}
			results = append(results, result)
			if !asJSON {
				p.say("%s %s %s in %s", result.Action, name, result.Version, shortPath(result.Path))
			}
		}
	}
	switch {
	case asJSON:
		errs = append(errs, p.printJSON(results))
	case len(results) == 0 && len(errs) == 0:
		errs = append(errs, errors.New("there is no plugin in the lock file: name what to install, a folder, an archive or an npm package"))
	}
	return errors.Join(errs...)
}

func restorePlugin(ctx context.Context, m *plugin.Manager, name string) (restoredPlugin, error) {
	result := restoredPlugin{Name: name, Action: "unchanged", Path: m.Path(name)}
	entry, err := m.Entry(name)
	if err != nil {
		return result, err
	}
	result.Version = entry.Version
	done, err := m.Restore(ctx, name)
	if done {
		result.Action = "installed"
	}
	return result, err
}
