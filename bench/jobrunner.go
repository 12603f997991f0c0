package main

import (
	"context"
	"sync/atomic"

	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// jobRunner is this project's engine.
type jobRunner struct {
	redis *bullmq.Redis
	queue *bullmq.Queue
}

func newJobRunner(ctx context.Context, server *redisServer) (*jobRunner, error) {
	redis, err := bullmq.OpenRedis(ctx, "redis://"+server.addr, nil)
	if err != nil {
		return nil, err
	}
	queue, err := bullmq.NewQueue(redis, queueName, nil)
	if err != nil {
		return nil, err
	}
	return &jobRunner{redis, queue}, nil
}

func (*jobRunner) name() string    { return "JobRunner" }
func (*jobRunner) version() string { return "this tree" }
func (e *jobRunner) close() error  { return e.redis.Close() }

func (e *jobRunner) add(ctx context.Context, jobs, producers int) error {
	return produce(ctx, jobs, producers, func(ctx context.Context, index int) error {
		_, err := e.queue.Add(ctx, jobName, jobData{index, payload}, nil)
		return err
	})
}

func (e *jobRunner) addBulk(ctx context.Context, jobs, size int) error {
	for start := 0; start < jobs; start += size {
		bulk := make([]bullmq.BulkJob, min(size, jobs-start))
		for i := range bulk {
			bulk[i] = bullmq.BulkJob{Name: jobName, Data: jobData{start + i, payload}}
		}
		if _, err := e.queue.AddBulk(ctx, bulk); err != nil {
			return err
		}
	}
	return nil
}

func (e *jobRunner) startWorker(ctx context.Context, jobs, concurrency int) (drain, error) {
	d := &jobRunnerDrain{seen: make(tally, jobs)}
	worker, err := bullmq.NewWorker(e.redis, queueName, func(_ context.Context, job *bullmq.Job) (any, error) {
		return nil, d.seen.record(job.Data)
	}, &bullmq.WorkerOptions{Concurrency: concurrency})
	if err != nil {
		return nil, err
	}
	ctx, d.cancel = context.WithCancel(ctx)
	d.run.Go(func() error { return worker.Run(ctx) })
	return d, nil
}

func (e *jobRunner) finished(ctx context.Context) (int, error) {
	return bullCompleted(ctx, e.redis.Client())
}

// bullCompleted returns how many jobs a queue in BullMQ's format has completed.
func bullCompleted(ctx context.Context, client rueidis.Client) (int, error) {
	n, err := client.Do(ctx, client.B().Zcard().Key("bull:"+queueName+":completed").Build()).AsInt64()
	return int(n), err
}

type jobRunnerDrain struct {
	seen   tally
	run    errgroup.Group
	cancel context.CancelFunc
}

func (d *jobRunnerDrain) stop() (delivery, error) {
	d.cancel()
	err := d.run.Wait()
	return d.seen.delivery(), err
}

// produce calls add for every index from producers goroutines at once.
func produce(ctx context.Context, jobs, producers int, add func(ctx context.Context, index int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range producers {
		group.Go(func() error {
			for {
				index := int(next.Add(1)) - 1
				if index >= jobs {
					return nil
				}
				if err := add(ctx, index); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}
