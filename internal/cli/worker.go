package cli

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

func newWorker(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run handlers on queues of any Redis that BullMQ programs use",
		Example: "  jobrunner worker --redis redis://localhost:6379 --queue mail=20 --queue reports=2 \\\n" +
			"    --handlers ./handlers",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := p.settings(cmd)
			if err != nil {
				return err
			}
			if cfg.Redis == "" {
				return errors.New("--redis is required: the URL of the Redis that holds the queues")
			}
			return p.work(cmd, cfg, log)
		},
	}
	config.AddFlags(cmd.Flags(), slices.Concat(commonFlags, redisFlags, workerFlags)...)
	return cmd
}

// openWorker puts a worker together; it does nothing before its Run.
func (p *Process) openWorker(cfg *config.Loaded, redis *bullmq.Redis, log *slog.Logger) (*worker.Supervisor, error) {
	settings, err := workerSettings(cfg)
	if err != nil {
		return nil, err
	}
	handlers, err := p.coreOptions(cfg)
	if err != nil {
		return nil, err
	}
	return worker.New(worker.Options{
		Backend:            redis,
		Prefix:             cfg.Prefix,
		Name:               cfg.Name,
		Settings:           settings,
		HandlerDirs:        cfg.Handlers,
		PluginDirs:         cfg.Plugins,
		UninstalledPlugins: cfg.UninstalledPlugins,
		Version:            Version(),
		Core:               handlers,
		Runtime:            loaderOptions(cfg, log),
		Watch:              watcher.Mode(cfg.WatchMode),
		ShutdownTimeout:    cfg.ShutdownTimeout,
		Logger:             log,
	})
}

func (p *Process) work(cmd *cobra.Command, cfg *config.Loaded, log *slog.Logger) (err error) {
	// Mistakes in the settings are told before a connection is tried.
	if _, err := workerSettings(cfg); err != nil {
		return err
	}
	redis, err := bullmq.OpenRedis(cmd.Context(), cfg.Redis, &bullmq.RedisOptions{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	supervisor, err := p.openWorker(cfg, redis, log)
	if err != nil {
		return err
	}
	defer p.onForce(supervisor.Force)()
	follow := reloader{process: p, cmd: cmd, supervisor: supervisor, log: log, prepare: func(*config.Loaded) {}, current: cfg}
	g, ctx := errgroup.WithContext(cmd.Context())
	g.Go(func() error { return follow.run(ctx) })
	g.Go(func() error { return supervisor.Run(ctx) })
	return g.Wait()
}
