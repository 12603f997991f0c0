package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func newPluginRemove(p *Process) *cobra.Command {
	var force, asJSON bool
	cmd := &cobra.Command{
		Use:   "remove NAME...",
		Short: "Remove installed plugins with their files",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withManagers(cmd, func(list []*plugin.Manager) error {
				removed := []string{}
				var errs []error
				for _, name := range names {
					m, err := managerOf(list, name)
					if err == nil {
						err = m.Remove(cmd.Context(), name, force)
					}
					if _, modified := errors.AsType[*plugin.ModifiedError](err); modified {
						err = fmt.Errorf("%w; to remove it with these changes add --force", err)
					}
					if err != nil {
						errs = append(errs, err)
						continue
					}
					removed = append(removed, name)
					if !asJSON {
						p.say("removed %s", name)
					}
				}
				if asJSON {
					errs = append(errs, p.printJSON(map[string][]string{"removed": removed}))
				}
				return errors.Join(errs...)
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also if files were changed by hand, which are lost")
	return pluginCommand(cmd, &asJSON)
}
