package peer

import (
	"context"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"golang.org/x/sync/errgroup"
)

// JobRunner is this project's engine.
var JobRunner = &Peer{
	Key: "jobrunner", Name: "JobRunner", HasBulk: true,
	Settings: "defaults but for the concurrency",
	Version:  func() string { return "this tree" },
	Store:    onRedis, Finished: bullCompleted,
	open: openJobRunner, command: commandOf("jobrunner"),
}

type jobRunner struct {
	redis *bullmq.Redis
	queue *bullmq.Queue
	flows *bullmq.FlowProducer
}

func openJobRunner(ctx context.Context, addresses Addresses) (Engine, error) {
	redis, err := bullmq.OpenRedis(ctx, "redis://"+addresses.Redis, nil)
	if err != nil {
		return nil, err
	}
	queue, err := bullmq.NewQueue(redis, QueueName, nil)
	if err != nil {
		return nil, err
	}
	return &jobRunner{redis, queue, bullmq.NewFlowProducer(redis, nil)}, nil
}

func (e *jobRunner) Close() error { return e.redis.Close() }

func (j *Job) bullOptions() *bullmq.JobOptions {
	if j.Delay == 0 && j.Priority == 0 {
		return nil
	}
	return &bullmq.JobOptions{Delay: j.Delay, Priority: j.Priority}
}

func (j *Job) bullFlow() bullmq.FlowJob {
	flow := bullmq.FlowJob{Name: jobName, Queue: QueueName, Data: j.Data}
	for i := range j.Children {
		flow.Children = append(flow.Children, j.Children[i].bullFlow())
	}
	return flow
}

func (e *jobRunner) Add(ctx context.Context, job Job) error {
	if len(job.Children) > 0 {
		_, err := e.flows.Add(ctx, job.bullFlow())
		return err
	}
	_, err := e.queue.Add(ctx, jobName, job.Data, job.bullOptions())
	return err
}

func (e *jobRunner) AddBulk(ctx context.Context, jobs []Job) error {
	if len(jobs[0].Children) > 0 {
		flows := make([]bullmq.FlowJob, len(jobs))
		for i := range jobs {
			flows[i] = jobs[i].bullFlow()
		}
		_, err := e.flows.AddBulk(ctx, flows)
		return err
	}
	bulk := make([]bullmq.BulkJob, len(jobs))
	for i := range jobs {
		bulk[i] = bullmq.BulkJob{Name: jobName, Data: jobs[i].Data, Opts: jobs[i].bullOptions()}
	}
	_, err := e.queue.AddBulk(ctx, bulk)
	return err
}

func (e *jobRunner) Work(ctx context.Context, opts WorkOptions, handle func([]byte) error) (func() error, error) {
	options := &bullmq.WorkerOptions{Concurrency: opts.Concurrency}
	if opts.Limit.Max > 0 {
		options.Limiter = &bullmq.RateLimit{Max: opts.Limit.Max, Duration: opts.Limit.Duration}
	}
	worker, err := bullmq.NewWorker(e.redis, QueueName, func(_ context.Context, job *bullmq.Job) (any, error) {
		if err := handle(job.Data); err != nil || !opts.Echo {
			return nil, err
		}
		return job.Data, nil
	}, options)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var run errgroup.Group
	run.Go(func() error { return worker.Run(ctx) })
	return func() error {
		cancel()
		return run.Wait()
	}, nil
}

// bullCompleted returns how many jobs a queue in BullMQ's format has completed.
func bullCompleted(ctx context.Context, s Servers) (int, error) {
	c := s.Redis.Client
	n, err := c.Do(ctx, c.B().Zcard().Key("bull:"+QueueName+":completed").Build()).AsInt64()
	return int(n), err
}
