package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/config"
)

func newConfig(p *Process) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print every setting's value, secrets masked, and where it came from",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, _, err := p.settings(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(p.Stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(loaded.Values())
			}
			return p.printSettings(loaded.Values())
		},
	}
	var names []string
	for _, s := range config.Settings() {
		names = append(names, s.Name)
	}
	config.AddFlags(cmd.Flags(), names...)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *Process) printSettings(values []config.Value) error {
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, v := range values {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", v.Name, v.Text(), v.Origin)
	}
	return table.Flush()
}
