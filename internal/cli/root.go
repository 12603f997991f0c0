package cli

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/telemetry"
)

// The settings that a command has flags for, by the part that reads them.
var (
	commonFlags  = []string{"config", "log-level", "log-format", "shutdown-timeout"}
	redisFlags   = []string{"redis", "prefix", "allow-host"}
	backendFlags = []string{"listen", "data-dir", "database", "admin-email", "admin-password", "secure-cookies", "body-limit"}
	workerFlags  = []string{
		"name", "queue", "handlers", "plugins", "uninstalled-plugins", "unknown-jobs", "job-timeout",
		"handler-env", "watch-mode", "cache-dir", "go-sdk",
		"export-dir", "export-source", "export-connection",
		"secret", "smtp-connection", "email-attachments", "llm-connection",
		"shell-command", "shell-dir", "shell-env", "shell-network", "fan-out-queue", "omit-core",
	}
)

func newRoot(p *Process) *cobra.Command {
	root := &cobra.Command{
		Use:           "jobrunner",
		Short:         "Background jobs in BullMQ's format: backend, worker and web client in one program",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.AddCommand(newDev(p), newServe(p), newWorker(p), newHandler(p), newPlugin(p), newConfig(p), newVersion(p))
	return root
}

// settings loads a command's configuration and makes its logger.
func (p *Process) settings(cmd *cobra.Command) (*config.Loaded, *slog.Logger, error) {
	loaded, err := config.Load(cmd.Flags(), p.Env)
	if err != nil {
		return nil, nil, err
	}
	log, err := telemetry.NewLogger(p.Stderr, loaded.LogLevel, loaded.LogFormat)
	if err != nil {
		return nil, nil, err
	}
	if len(loaded.UnknownEnv) > 0 {
		log.WarnContext(cmd.Context(), "environment variables that look like settings are none",
			slog.String("variables", strings.Join(loaded.UnknownEnv, " ")))
	}
	return loaded, log, nil
}

// say prints a line that the command is there to print.
func (p *Process) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.Stdout, format+"\n", args...)
}
