package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// pluginsDir is where dev looks for plugins, and so where new ones go.
const pluginsDir = "plugins"

// pluginFlags are the settings of commands that look after plugins.
var pluginFlags = []string{"config", "log-level", "log-format", "plugins"}

func newPlugin(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Install, list, update, remove and verify plugins",
		Long: "Look after the plugins of a plugin directory: of those that --plugins names, else of the folder\n" +
			pluginsDir + " of the working directory. What is installed, from where and with which permissions\n" +
			"stands in the directory's " + plugin.LockName + ", which belongs under version control.",
	}
	cmd.AddCommand(newPluginInstall(p), newPluginList(p), newPluginUpdate(p), newPluginRemove(p), newPluginVerify(p))
	return cmd
}

// pluginCommand adds what all commands on plugins have.
func pluginCommand(cmd *cobra.Command, asJSON *bool, more ...string) *cobra.Command {
	config.AddFlags(cmd.Flags(), slices.Concat(pluginFlags, more)...)
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON")
	return cmd
}

// loadingFlags are the settings of commands that load plugins to try them.
var loadingFlags = []string{"handler-env", "cache-dir"}

// managers returns one for each plugin directory. With opts.Try unset they load
// no plugin.
func (p *Process) managers(cfg *config.Loaded, opts plugin.Options) ([]*plugin.Manager, error) {
	opts.Env, opts.HostVersion, opts.HandlerEnv = p.Env, Version(), cfg.HandlerEnv
	dirs := cfg.Plugins
	if len(dirs) == 0 {
		dirs = []string{pluginsDir}
	}
	var list []*plugin.Manager
	for _, dir := range dirs {
		opts.Dir = dir
		m, err := plugin.NewManager(opts)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// withTrial runs use with managers that load a plugin before they install it,
// unless skip says not to.
func (p *Process) withTrial(cmd *cobra.Command, skip bool, use func([]*plugin.Manager) error) (err error) {
	cfg, _, err := p.settings(cmd)
	if err != nil {
		return err
	}
	var opts plugin.Options
	if !skip {
		loader, _, err := p.openLoader(cmd)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, loader.Close()) }()
		opts.Try = plugin.TryWith(loader)
	}
	list, err := p.managers(cfg, opts)
	if err != nil {
		return err
	}
	return use(list)
}

// withManagers runs use with managers that load no plugin.
func (p *Process) withManagers(cmd *cobra.Command, use func([]*plugin.Manager) error) error {
	return p.withTrial(cmd, true, use)
}

// managerOf returns the manager of the directory that a plugin is installed in.
func managerOf(list []*plugin.Manager, name string) (*plugin.Manager, error) {
	var found *plugin.Manager
	for _, m := range list {
		_, err := m.Entry(name)
		switch {
		case errors.Is(err, plugin.ErrNotInstalled):
		case err != nil:
			return nil, err
		case found != nil:
			return nil, fmt.Errorf("%s is installed in %s and in %s: name one of them with --plugins", name, shortPath(found.Dir()), shortPath(m.Dir()))
		default:
			found = m
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s: %w", name, plugin.ErrNotInstalled)
	}
	return found, nil
}

// statuses lists the plugins of all directories. A directory that does not
// exist, which none is said to do but the usual one, has none.
func statuses(ctx context.Context, list []*plugin.Manager, names []string) ([]plugin.Status, error) {
	all := []plugin.Status{}
	for _, m := range list {
		found, err := m.List(ctx)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(names) == 0 {
		return all, nil
	}
	chosen := []plugin.Status{}
	for _, name := range names {
		at := slices.IndexFunc(all, func(s plugin.Status) bool { return s.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("%s: %w", name, plugin.ErrNotInstalled)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// pluginOrigin is where a plugin came from, for people.
func pluginOrigin(s plugin.Source, dir string) string {
	if s.Type == plugin.NPM {
		return s.String()
	}
	path := s.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, filepath.FromSlash(path))
	}
	return shortPath(path)
}

// plural counts things.
func plural(n int, one, many string) string {
	return fmt.Sprintf("%d %s", n, map[bool]string{true: one, false: many}[n == 1])
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB"}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// orDash keeps a column of a table filled.
func orDash(text string) string { return cmp.Or(text, "-") }
