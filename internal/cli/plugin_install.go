package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// pluginChoices are the flags of the commands that bring plugins in.
type pluginChoices struct {
	yes, dryRun, force, skipTrial, asJSON bool
	grants                                []string
	from                                  string
}

func (c *pluginChoices) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&c.grants, "grant", nil, "grant a permission as KIND=VALUE (network, env, read, write, memory in MiB, cpus), or none; may be repeated")
	flags.BoolVar(&c.dryRun, "dry-run", false, "show what would be done, change nothing")
	flags.BoolVar(&c.skipTrial, "skip-trial", false, "do not load the plugin before it is put in its place, for machines without its runtime")
}

// pluginResult is what became of a plugin, for programs.
type pluginResult struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Previous is the version that was installed before, "" if there was none.
	Previous string `json:"previous,omitempty"`
	// Action is installed, updated, unchanged, refused, or would install or update.
	Action      string              `json:"action"`
	Path        string              `json:"path"`
	Source      plugin.Source       `json:"source"`
	Checksum    string              `json:"checksum"`
	Integrity   string              `json:"integrity,omitempty"`
	Handlers    []string            `json:"handlers"`
	Permissions []plugin.Permission `json:"permissions"`
	// Missing are permissions that it asks for and was not granted.
	Missing []plugin.Permission `json:"missing"`
}

func newPluginInstall(p *Process) *cobra.Command {
	var choices pluginChoices
	cmd := &cobra.Command{
		Use:   "install [SOURCE]",
		Short: "Install a plugin from a folder, an archive or npm, or what the lock file lists",
		Long: "Install a plugin from a folder, a .tar.gz or .tgz archive, or as an npm package: npm:NAME or\n" +
			"npm:NAME@VERSION. It is fetched and checked, with npm's scripts off; the permissions that it asks for\n" +
			"are shown; once they are granted it is loaded in its sandbox and put into its place, and a running\n" +
			"worker takes it into service. Of several plugin directories it goes into the first.\n\n" +
			"Without a terminal, grant the permissions with --grant, which grants no more than it names, or all\n" +
			"that the plugin asks for with --yes.\n\n" +
			"Without a SOURCE, what " + plugin.LockName + " lists is installed, the same files with the same\n" +
			"permissions, as far as it is not there yet.",
		Example: "  jobrunner plugin install ./greeter\n" +
			"  jobrunner plugin install greeter-1.2.0.tgz --yes\n" +
			"  jobrunner plugin install npm:@team/mailer@^2 --grant network=smtp.example.com --grant env=SMTP_PASSWORD",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.withTrial(cmd, choices.skipTrial, func(list []*plugin.Manager) error {
					return p.restorePlugins(cmd.Context(), list, choices.asJSON)
				})
			}
			source, err := plugin.ParseSource(args[0])
			if err != nil {
				return err
			}
			return p.withTrial(cmd, choices.skipTrial || choices.dryRun, func(list []*plugin.Manager) error {
				return p.installPlugin(cmd.Context(), list[0], source, choices)
			})
		},
	}
	choices.addFlags(cmd)
	cmd.Flags().BoolVarP(&choices.yes, "yes", "y", false, "grant all permissions that the plugin asks for")
	return pluginCommand(cmd, &choices.asJSON, loadingFlags...)
}

func (p *Process) installPlugin(ctx context.Context, m *plugin.Manager, source plugin.Source, c pluginChoices) (err error) {
	staged, err := m.Stage(ctx, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staged.Close()) }()
	if staged.Previous != nil && !staged.InPlace() {
		return fmt.Errorf("%s is installed already, in the version %s; to replace it run: jobrunner plugin update %s --from %s",
			staged.Plugin.Name, staged.Previous.Version, staged.Plugin.Name, pluginOrigin(source, m.Dir()))
	}
	return p.bringIn(ctx, m, staged, c)
}

// bringIn shows what a staged plugin asks for, has it granted, and installs it.
func (p *Process) bringIn(ctx context.Context, m *plugin.Manager, staged *plugin.Staged, c pluginChoices) error {
	result := describeStaged(m, staged)
	if !c.asJSON {
		p.introduce(staged, result)
	}
	if c.dryRun {
		result.Action = "would " + result.Action
		return p.reportPlugin(result, c)
	}
	granted, err := p.grant(ctx, staged, c)
	if err != nil {
		var refused *plugin.PermissionError
		if c.asJSON && errors.As(err, &refused) {
			result.Action, result.Missing = "refused", refused.Missing
			err = errors.Join(err, p.printJSON(result))
		}
		return err
	}
	entry, err := m.Install(ctx, staged, plugin.InstallOptions{Granted: granted, Replace: true, Overwrite: c.force || staged.InPlace()})
	if err != nil {
		return describeTrial(staged, err)
	}
	result.Action = map[bool]string{true: "updated", false: "installed"}[staged.Previous != nil]
	result.Handlers = append(result.Handlers, entry.Handlers...)
	return p.reportPlugin(result, c)
}

// describeTrial adds to the error of a plugin that did not load the place where
// it is wrong, while its files are still there to be shown.
func describeTrial(s *plugin.Staged, err error) error {
	var problem *catalogue.LoadError
	if !errors.As(err, &problem) {
		return err
	}
	text := strings.ReplaceAll(describeProblem(problem), shortPath(s.Plugin.Dir), s.Plugin.Name)
	return fmt.Errorf("plugin %s could not be loaded:\n%s", s.Plugin.Name, strings.TrimSpace(text))
}

func describeStaged(m *plugin.Manager, s *plugin.Staged) pluginResult {
	result := pluginResult{
		Name: s.Plugin.Name, Version: s.Plugin.Version, Action: "install", Path: m.Path(s.Plugin.Name), Source: s.Source,
		Checksum: s.Checksum, Integrity: s.Integrity, Handlers: []string{},
		Permissions: s.Plugin.Permissions.List(), Missing: s.Beyond(),
	}
	if s.Previous != nil {
		result.Previous, result.Action = s.Previous.Version, "update"
	}
	return result
}

// introduce tells a person what is about to be installed.
func (p *Process) introduce(s *plugin.Staged, result pluginResult) {
	version := result.Version
	if result.Previous != "" && result.Previous != version {
		version = result.Previous + " → " + version
	}
	files, bytes := s.Size()
	p.say("%s %s from %s: %s, %s", result.Name, version, pluginOrigin(s.Source, ""), plural(files, "file", "files"), size(bytes))
	if s.Plugin.Description != "" {
		p.say("%s", firstLine(s.Plugin.Description))
	}
	switch {
	case s.Plugin.Undeclared && s.Previous == nil:
		p.say("It declares no permissions, so it asks for what your own handlers may do:")
	case len(result.Permissions) == 0:
		p.say("It asks for no permissions: it reads its own files and nothing else.")
	case len(result.Missing) == 0:
		p.say("It asks for no more than it was granted before.")
	case s.Previous != nil:
		p.say("It asks for more than it was granted before, to")
	default:
		p.say("It asks to")
	}
	showPermissions(p.Stdout, result.Missing)
	if !sandbox.Check().Confined {
		p.say("Nothing on this system holds it to that: it can reach what the worker's user can.")
	}
}

// grant finds out what the plugin is granted. It returns a
// [*plugin.PermissionError] if that is not enough.
func (p *Process) grant(ctx context.Context, s *plugin.Staged, c pluginChoices) (plugin.Permissions, error) {
	var granted plugin.Permissions
	if s.Previous != nil {
		granted = s.Previous.Permissions
	}
	if c.yes {
		return s.Plugin.Permissions, nil
	}
	more, err := plugin.ParseGrants(c.grants)
	if err != nil {
		return granted, err
	}
	granted = granted.Join(more)
	missing := s.Plugin.Permissions.Beyond(granted)
	if len(missing) == 0 {
		return granted, nil
	}
	refused := &plugin.PermissionError{Plugin: s.Plugin.Name, Missing: missing}
	if len(c.grants) > 0 || c.asJSON {
		return granted, refused
	}
	yes, err := p.confirm(ctx, "Grant this?")
	switch {
	case errors.Is(err, errNoAnswer):
		return granted, fmt.Errorf("%w; to grant it without a question add%s", refused, grantFlags(missing))
	case err != nil:
		return granted, err
	case !yes:
		return granted, errDeclined
	}
	return s.Plugin.Permissions, nil
}

// grantFlags are the flags that grant permissions.
func grantFlags(list []plugin.Permission) string {
	var flags strings.Builder
	for _, permission := range list {
		flags.WriteString(" --grant " + permission.String())
	}
	return flags.String()
}

func (p *Process) reportPlugin(result pluginResult, c pluginChoices) error {
	if c.asJSON {
		return p.printJSON(result)
	}
	text := fmt.Sprintf("%s %s %s in %s", result.Action, result.Name, result.Version, shortPath(result.Path))
	if len(result.Handlers) > 0 {
		text += ": handles " + strings.Join(result.Handlers, ", ")
	}
	p.say("%s", text)
	return nil
}
