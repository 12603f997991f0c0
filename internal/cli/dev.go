package cli

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/datadir"
	"github.com/jobrunner-dev/jobrunner/internal/redisd"
)

// defaultQueue is what dev works on if it is told nothing else.
const defaultQueue = "default"

// redisDir is where dev's Redis is kept, in the data directory.
const redisDir = "redis"

func newDev(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in one process: backend, worker, web client, and a Redis of its own",
		Long: "Run the backend and a worker together. Without --redis a redis-server or valkey-server is\n" +
			"started with its data in the data directory; without --database SQL is a SQLite file there.\n" +
			"The folders handlers and plugins of the working directory are loaded if none is named, as soon as they are there,\n" +
			"and plugins need not have been installed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, log, err := p.settings(cmd)
			if err != nil {
				return err
			}
			prepareDev(cfg)
			return p.dev(cmd, cfg, log)
		},
	}
	config.AddFlags(cmd.Flags(), slices.Concat(commonFlags, redisFlags, backendFlags, workerFlags)...)
	return cmd
}

// prepareDev fills in what dev takes if it is told nothing else.
func prepareDev(cfg *config.Loaded) {
	cfg.Handlers = orDefault(cfg.Handlers, handlersDir)
	cfg.Plugins = orDefault(cfg.Plugins, pluginsDir)
	cfg.UninstalledPlugins = true
	if len(cfg.Queues) == 0 && len(cfg.Worker.Queues) == 0 {
		cfg.Queues = []string{defaultQueue}
	}
}

func (p *Process) dev(cmd *cobra.Command, cfg *config.Loaded, log *slog.Logger) (err error) {
	ctx, follow := cmd.Context(), reloader{process: p, cmd: cmd, log: log, prepare: prepareDev, current: new(*cfg)}
	dir, err := datadir.Open(cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	shownRedis := config.MaskURL(cfg.Redis)
	if cfg.Redis == "" {
		server, err := redisd.Start(ctx, redisd.Options{Dir: dir.Path(redisDir), Logger: log})
		if err != nil {
			return err
		}
		defer server.Stop()
		cfg.Redis = server.URL()
		// Its password is its own, and other programs need it to join.
		shownRedis = cfg.Redis
	}
	if cfg.Database == "" {
		cfg.Database = databaseURL(dir)
	}
	cfg.ExportDir = cmp.Or(cfg.ExportDir, dir.Path("exports"))
	cfg.CacheDir = cmp.Or(cfg.CacheDir, dir.Path("cache"))
	redis, err := bullmq.OpenRedis(ctx, cfg.Redis, &bullmq.RedisOptions{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()

	worker, err := p.openWorker(cfg, redis, log)
	if err != nil {
		return err
	}
	defer p.onForce(worker.Force)()
	follow.supervisor = worker
	backend, err := openBackend(ctx, cfg, redis, cfg.Database, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, backend.close()) }()

	g, running := errgroup.WithContext(ctx)
	backend.run(running, g)
	g.Go(func() error { return worker.Run(running) })
	g.Go(func() error { return follow.run(running) })
	lines := append(backend.lines(),
		line{"Redis", shownRedis, "BullMQ programs can join, with the prefix " + cfg.Prefix},
		line{"Data", dir.Path(), ""},
	)
	select {
	case <-worker.Ready(): // jobs that are added now are run
		p.banner("JobRunner "+Version()+" is running", lines)
	case <-running.Done():
	}
	return g.Wait()
}

// orDefault returns the named folders, else the one of the working directory, be
// it there already or not.
func orDefault(named []string, folder string) []string {
	if len(named) > 0 {
		return named
	}
	return []string{folder}
}
