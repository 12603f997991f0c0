package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/scaffold"
)

func newHandlerNew(p *Process) *cobra.Command {
	h := scaffold.Handler{}
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a new handler: a small example that runs at once",
		Example: "  jobrunner handler new send-invoice --lang ts\n" +
			"  jobrunner handler new resize --lang python --dir ./work",
		Args: oneArgument("NAME, the name of the jobs it is for"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := p.settings(cmd)
			if err != nil {
				return usage(err)
			}
			h.Name = args[0]
			h.GoSDK, h.GoVersion = runtime.FindGoSDK(cfg.GoSDK)
			created, err := scaffold.Create(h)
			if err != nil {
				return usage(fmt.Errorf("new handler: %w", err))
			}
			p.tellCreated(h, created)
			return nil
		},
	}
	config.AddFlags(cmd.Flags(), "config", "go-sdk")
	cmd.Flags().StringVar(&h.Language, "lang", "ts", "the language: "+strings.Join(scaffold.Languages(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(scaffold.Languages(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	cmd.Flags().StringVar(&h.Dir, "dir", handlersDir, "the directory to write into")
	return cmd
}

// tellCreated says what was written, and what to do next.
func (p *Process) tellCreated(h scaffold.Handler, created *scaffold.Created) {
	for _, file := range created.Files {
		p.say("wrote %s", file)
	}
	if len(created.Support) > 0 {
		p.say("wrote %s for your editor", strings.Join(created.Support, " and "))
	}
	dev := "jobrunner dev"
	if h.Dir != handlersDir {
		dev += " --handlers " + quoteArgument(h.Dir)
	}
	if len(created.Prepare) > 0 {
		words := make([]string, len(created.Prepare))
		for i, word := range created.Prepare {
			words[i] = quoteArgument(word)
		}
		p.say("\n  %s  # once", strings.Join(words, " "))
	}
	run := "jobrunner handler run " + quoteArgument(created.Entry)
	width := max(len(run), len(dev))
	p.say("\n  %-*s  # try it, without Redis", width, run)
	p.say("  %-*s  # run jobs named %s", width, dev, h.Name)
}

// quoteArgument writes an argument as a shell takes it.
func quoteArgument(text string) string {
	if !strings.ContainsAny(text, " \t\n'\"\\$`&|;<>()*?[]#~!{}") && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
