package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker/trial"
)

func newHandlerCheck(p *Process) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FILE|DIR...]",
		Short: "Load handlers and say what is wrong with them, and where",
		Long: "Load handlers as a worker would: build them, have them describe themselves, compile their schemas,\n" +
			"and look for names that two of them claim. Without arguments the folders handlers and plugins of\n" +
			"the working directory are checked, or the directory itself.\n\n" +
			"The exit code is 0 if all is well, 1 if a handler has a problem, and 2 if nothing could be checked.",
		RunE: func(cmd *cobra.Command, args []string) error {
			paths := orHandlerDirs(args)
			return p.withHandlers(cmd, paths, func(library *trial.Library) error {
				if len(library.Handlers()) == 0 {
					return usage(fmt.Errorf("there are no handlers in %s", strings.Join(paths, ", ")))
				}
				return p.reportCheck(library, asJSON)
			})
		},
	}
	config.AddFlags(cmd.Flags(), handlerFlags...)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkReport is what a check prints for programs.
type checkReport struct {
	Handlers []catalogue.Handler    `json:"handlers"`
	Problems []*catalogue.LoadError `json:"problems"`
}

func (p *Process) reportCheck(library *trial.Library, asJSON bool) error {
	report := checkReport{Handlers: []catalogue.Handler{}, Problems: library.Problems()}
	for _, h := range library.Handlers() {
		if h.InService() {
			report.Handlers = append(report.Handlers, h)
		}
	}
	if asJSON {
		if err := p.printJSON(report); err != nil {
			return err
		}
	} else {
		p.printCheck(report)
	}
	if len(report.Problems) > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}

func (p *Process) printCheck(report checkReport) {
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, h := range report.Handlers {
		_, _ = fmt.Fprintf(table, "ok  %s\t%s\t%s\n", h.Name, h.Version, shortPath(h.Source))
	}
	_ = table.Flush()
	for _, problem := range report.Problems {
		p.say("\n%s", describeProblem(problem))
	}
	if len(report.Problems) > 0 {
		p.say("%s, %s", count(len(report.Handlers), "handler"), count(len(report.Problems), "problem"))
	}
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
