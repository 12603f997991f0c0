package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func newPluginUpdate(p *Process) *cobra.Command {
	var choices pluginChoices
	cmd := &cobra.Command{
		Use:   "update [NAME...]",
		Short: "Fetch plugins again from where they came, and install what is new",
		Long: "Fetch plugins again, all of them if none is named, and install what differs. The old version stays\n" +
			"until the new one has been checked and loaded. One that asks for more than it was granted before\n" +
			"stops there: the difference is shown, and granted by answering the question or with --grant.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if choices.from != "" && len(args) != 1 {
				return errors.New("--from says where one plugin comes from: name that plugin, and no other")
			}
			return p.withTrial(cmd, choices.skipTrial || choices.dryRun, func(list []*plugin.Manager) error {
				return p.updatePlugins(cmd.Context(), list, args, choices)
			})
		},
	}
	choices.addFlags(cmd)
	cmd.Flags().StringVar(&choices.from, "from", "", "take the plugin from this folder, archive or npm package from now on")
	cmd.Flags().BoolVar(&choices.force, "force", false, "install again even if nothing is new, and over files that were changed by hand")
	return pluginCommand(cmd, &choices.asJSON, loadingFlags...)
}

// updatePlugins updates one after the other; the failure of one does not stop
// the others.
func (p *Process) updatePlugins(ctx context.Context, list []*plugin.Manager, names []string, c pluginChoices) error {
	if len(names) == 0 {
		for _, m := range list {
			installed, err := m.Names()
			if err != nil {
				return err
			}
			names = append(names, installed...)
		}
	}
	var errs []error
	for _, name := range names {
		if ctx.Err() != nil {
			return errInterrupted
		}
		m, err := managerOf(list, name)
		if err == nil {
			err = p.updatePlugin(ctx, m, name, c)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("update of %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (p *Process) updatePlugin(ctx context.Context, m *plugin.Manager, name string, c pluginChoices) (err error) {
	entry, err := m.Entry(name)
	if err != nil {
		return err
	}
	source := entry.Source
	if c.from != "" {
		if source, err = plugin.ParseSource(c.from); err != nil {
			return err
		}
	}
	staged, err := m.Stage(ctx, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staged.Close()) }()
	switch {
	case staged.Plugin.Name != name:
		return fmt.Errorf("what is there now is the plugin %s", staged.Plugin.Name)
	case staged.Unchanged() && !c.force:
		result := describeStaged(m, staged)
		result.Action, result.Handlers = "unchanged", append(result.Handlers, entry.Handlers...)
		if err := m.Check(ctx, name); err != nil {
			return err
		}
		return p.reportPlugin(result, c)
	}
	return p.bringIn(ctx, m, staged, c)
}
