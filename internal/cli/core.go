package cli

import (
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/export"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/llm"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/sendemail"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/shell"
)

// coreOptions are the choices of the handlers that are compiled in.
func (p *Process) coreOptions(cfg *config.Loaded) (core.Options, error) {
	opts := core.Options{Dialer: safedial.New(dialOptions(cfg.AllowHosts)), Export: exportOptions(cfg), Omit: cfg.OmitCore}
	var err error
	if opts.Secrets, err = secret.Parse(cfg.Secrets, p.getenv); err != nil {
		return opts, err
	}
	opts.Email.AttachmentDirs = cfg.EmailAttachments
	if opts.Email.Connections, err = sendemail.ParseConnections(cfg.SMTPConnections, opts.Secrets); err != nil {
		return opts, err
	}
	if opts.LLM.Connections, err = llm.ParseConnections(cfg.LLMConnections, opts.Secrets); err != nil {
		return opts, err
	}
	opts.FanOut.Queues = cfg.FanOutQueues
	opts.Shell = shell.Options{Dirs: cfg.ShellDirs, Env: cfg.ShellEnv, Network: cfg.ShellNetwork}
	opts.Shell.Rules, err = shell.ParseRules(cfg.ShellCommands)
	return opts, err
}

func exportOptions(cfg *config.Loaded) export.Options {
	opts := export.Options{Dir: cfg.ExportDir, SourceDirs: cfg.ExportSources, Connections: map[string]string{}}
	for _, connection := range cfg.ExportConnections {
		name, target, _ := strings.Cut(connection, "=")
		opts.Connections[name] = target
	}
	return opts
}

// getenv is [os.Getenv] for the process's own environment.
func (p *Process) getenv(name string) string {
	for _, variable := range p.Env {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}
