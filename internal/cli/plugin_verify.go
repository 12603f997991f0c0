package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func newPluginVerify(p *Process) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Compare the plugins' files with what was installed",
		Long: "Compute the checksums of the plugins anew, of all if none is named, and tell file by file what is\n" +
			"not as it was installed. The exit code is 1 if anything differs.",
		RunE: func(cmd *cobra.Command, names []string) error {
			return p.withManagers(cmd, func(list []*plugin.Manager) error {
				found, err := statuses(cmd.Context(), list, names)
				if err != nil {
					return err
				}
				if asJSON {
					err = p.printJSON(found)
				} else {
					p.printVerified(found)
				}
				for _, s := range found {
					if s.State != plugin.StateOK {
						return errors.Join(err, &exitError{code: exitFailed})
					}
				}
				return err
			})
		},
	}
	return pluginCommand(cmd, &asJSON)
}

func (p *Process) printVerified(list []plugin.Status) {
	for _, s := range list {
		p.say("%s %s: %s", s.Name, orDash(s.Version), s.State)
		for _, change := range s.Changes {
			p.say("  %s: %s", change.How, change.Path)
		}
		if len(s.Changes) == 0 && s.State != plugin.StateMissing && s.Error != "" {
			p.say("  %s", s.Error)
		}
	}
	if len(list) == 0 {
		p.say("No plugins.")
	}
}
