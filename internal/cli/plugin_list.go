package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func newPluginList(p *Process) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the plugins with their state, permissions and handlers",
		Long: "List the plugins of the plugin directories. JSON has more: checksums, the digest of the archive,\n" +
			"licenses, and the npm packages that each plugin brought along.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withManagers(cmd, func(list []*plugin.Manager) error {
				found, err := statuses(cmd.Context(), list, nil)
				if err != nil {
					return err
				}
				if asJSON {
					return p.printJSON(found)
				}
				return p.printPlugins(found)
			})
		},
	}
	return pluginCommand(cmd, &asJSON)
}

func (p *Process) printPlugins(list []plugin.Status) error {
	if len(list) == 0 {
		p.say("No plugins. Install one with: jobrunner plugin install SOURCE")
		return nil
	}
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tVERSION\tSTATE\tHANDLERS\tPERMISSIONS\tFROM")
	for _, s := range list {
		from := ""
		if s.Source != nil {
			from = pluginOrigin(*s.Source, strings.TrimSuffix(s.Path, s.Name))
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, orDash(s.Version), s.State,
			orDash(strings.Join(s.Handlers, " ")), orDash(joinPermissions(s.Permissions)), orDash(from))
	}
	return table.Flush()
}

// joinPermissions writes permissions on a line.
func joinPermissions(list []plugin.Permission) string {
	var parts []string
	for _, permission := range list {
		parts = append(parts, permission.String())
	}
	return strings.Join(parts, " ")
}
