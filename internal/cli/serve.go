package cli

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/datadir"
)

func newServe(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the backend: API, live events and web client",
		Long: "Run the backend alone, any number of times over the same Redis and PostgreSQL.\n" +
			"Without --database it keeps a SQLite file in the data directory, which is for one backend only.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := p.settings(cmd)
			if err != nil {
				return err
			}
			if cfg.Redis == "" {
				return errors.New("--redis is required: the URL of the Redis that holds the queues")
			}
			return p.serve(cmd.Context(), cfg, log)
		},
	}
	config.AddFlags(cmd.Flags(), slices.Concat(commonFlags, redisFlags, backendFlags)...)
	return cmd
}

func (p *Process) serve(ctx context.Context, cfg *config.Loaded, log *slog.Logger) (err error) {
	database := cfg.Database
	if database == "" {
		dir, err := datadir.Open(cfg.DataDir)
		if err != nil {
			return err
		}
		defer func() { _ = dir.Close() }()
		database = databaseURL(dir)
	}
	redis, err := bullmq.OpenRedis(ctx, cfg.Redis, &bullmq.RedisOptions{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()

	part, err := openBackend(ctx, cfg, redis, database, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, part.close()) }()
	p.banner("JobRunner "+Version()+" serves its API", part.lines())

	g, ctx := errgroup.WithContext(ctx)
	part.run(ctx, g)
	return g.Wait()
}
