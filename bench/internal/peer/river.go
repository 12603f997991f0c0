package peer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverConnections is enough for the producers; a worker needs few of them.
const riverConnections = 64

// River is riverqueue.com/river on PostgreSQL.
var River = &Peer{
	Key: "river", Name: "River", HasBulk: true,
	Settings: fmt.Sprintf("pgx driver, a pool of %d connections, FetchCooldown 1 ms, InsertManyFast for bulks; completed jobs are kept", riverConnections),
	Version:  moduleVersion("github.com/riverqueue/river"),
	Store:    onPostgres, Finished: riverCompleted,
	open: openRiver, command: commandOf("river"),
}

type riverArgs struct{ Data }

// Kind implements river.JobArgs.
func (riverArgs) Kind() string { return jobName }

type riverWorker struct {
	river.WorkerDefaults[riverArgs]
	handle func([]byte) error
}

// Work implements river.Worker.
func (w *riverWorker) Work(_ context.Context, job *river.Job[riverArgs]) error {
	return w.handle(job.EncodedArgs)
}

type riverEngine struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

// MigrateRiver makes River's tables.
func MigrateRiver(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet()})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("make River's tables: %w", err)
	}
	return nil
}

func openRiver(ctx context.Context, addresses Addresses) (Engine, error) {
	config, err := pgxpool.ParseConfig(addresses.Postgres)
	if err != nil {
		return nil, err
	}
	config.MaxConns = riverConnections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: quiet()})
	return &riverEngine{pool, client}, err
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (e *riverEngine) Close() error {
	e.pool.Close()
	return nil
}

func riverInsert(job *Job) (riverArgs, *river.InsertOpts, error) {
	if job.Priority > 0 || len(job.Children) > 0 {
		return riverArgs{}, nil, errNotOffered
	}
	opts := &river.InsertOpts{Queue: QueueName}
	if job.Delay > 0 {
		opts.ScheduledAt = time.Now().Add(job.Delay)
	}
	return riverArgs{job.Data}, opts, nil
}

func (e *riverEngine) Add(ctx context.Context, job Job) error {
	args, opts, err := riverInsert(&job)
	if err != nil {
		return err
	}
	_, err = e.client.Insert(ctx, args, opts)
	return err
}

func (e *riverEngine) AddBulk(ctx context.Context, jobs []Job) error {
	params := make([]river.InsertManyParams, len(jobs))
	for i := range jobs {
		args, opts, err := riverInsert(&jobs[i])
		if err != nil {
			return err
		}
		params[i] = river.InsertManyParams{Args: args, InsertOpts: opts}
	}
	_, err := e.client.InsertManyFast(ctx, params)
	return err
}

func (e *riverEngine) Work(ctx context.Context, opts WorkOptions, handle func([]byte) error) (func() error, error) {
	if opts.Limit.Max > 0 {
		return nil, errNotOffered
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{handle: handle})
	client, err := river.NewClient(riverpgxv5.New(e.pool), &river.Config{
		FetchCooldown: time.Millisecond,
		Logger:        quiet(),
		Queues:        map[string]river.QueueConfig{QueueName: {MaxWorkers: opts.Concurrency}},
		Workers:       workers,
	})
	if err != nil {
		return nil, err
	}
	if err := client.Start(ctx); err != nil {
		return nil, err
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return client.Stop(ctx)
	}, nil
}

func riverCompleted(ctx context.Context, s Servers) (int, error) {
	var n int
	err := s.Postgres.Conn.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state = 'completed'").Scan(&n)
	return n, err
}
