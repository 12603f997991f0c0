package cli

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
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
			switch {
			case cfg.Redis == "":
				return errors.New("--redis is required: the URL of the Redis that holds the queues")
			case len(cfg.Queues) == 0:
				return errors.New("--queue is required: a worker takes jobs only from queues it was told to serve")
			}
			return p.work(cmd.Context(), cfg, log)
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
		Backend:         redis,
		Prefix:          cfg.Prefix,
		Settings:        settings,
		HandlerDirs:     cfg.Handlers,
		PluginDirs:      cfg.Plugins,
		Core:            handlers,
		Runtime:         runtime.LoaderOptions{CacheDir: cfg.CacheDir, Env: cfg.HandlerEnv, Logger: log},
		ShutdownTimeout: cfg.ShutdownTimeout,
		Logger:          log,
	})
}

// workerSettings are what may change while the worker runs.
func workerSettings(cfg *config.Loaded) (worker.Settings, error) {
	settings := worker.Settings{Timeout: cfg.JobTimeout, Unknown: worker.UnknownPolicy(cfg.UnknownJobs)}
	queues, err := parseQueues(cfg.Queues)
	if err != nil {
		return settings, err
	}
	for _, q := range queues {
		settings.Queues = append(settings.Queues, worker.Queue{Name: q.name, Concurrency: q.concurrency})
	}
	return settings, nil
}

func (p *Process) work(ctx context.Context, cfg *config.Loaded, log *slog.Logger) (err error) {
	redis, err := bullmq.OpenRedis(ctx, cfg.Redis, &bullmq.RedisOptions{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	supervisor, err := p.openWorker(cfg, redis, log)
	if err != nil {
		return err
	}
	return supervisor.Run(ctx)
}
