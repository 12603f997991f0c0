package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/rueidis"
)

// asynqConnections allows one for each of a hundred handlers or producers.
const asynqConnections = 110

// Asynq is hibiken/asynq.
var Asynq = &Peer{
	Key: "asynq", Name: "asynq",
	Settings: fmt.Sprintf("%d connections, TaskCheckInterval 1 ms, so that an empty look at the queue costs no second; finished jobs are deleted, its default", asynqConnections),
	Version:  moduleVersion("github.com/hibiken/asynq"),
	Store:    onRedis, Finished: asynqProcessed,
	open: openAsynq, command: commandOf("asynq"),
}

type asynqEngine struct {
	opt    asynq.RedisClientOpt
	client *asynq.Client
}

func openAsynq(_ context.Context, addresses Addresses) (Engine, error) {
	opt := asynq.RedisClientOpt{Addr: addresses.Redis, PoolSize: asynqConnections}
	return &asynqEngine{opt, asynq.NewClient(opt)}, nil
}

func (e *asynqEngine) Close() error { return e.client.Close() }

func (e *asynqEngine) Add(ctx context.Context, job Job) error {
	if job.Priority > 0 || len(job.Children) > 0 {
		return errNotOffered
	}
	data, err := json.Marshal(job.Data)
	if err != nil {
		return err
	}
	_, err = e.client.EnqueueContext(ctx, asynq.NewTask(jobName, data), asynq.Queue(QueueName), asynq.ProcessIn(job.Delay))
	return err
}

func (*asynqEngine) AddBulk(context.Context, []Job) error { return errNotOffered }

func (e *asynqEngine) Work(_ context.Context, opts WorkOptions, handle func([]byte) error) (func() error, error) {
	if opts.Limit.Max > 0 {
		return nil, errNotOffered
	}
	s := asynq.NewServer(e.opt, asynq.Config{
		Concurrency:       opts.Concurrency,
		Queues:            map[string]int{QueueName: 1},
		TaskCheckInterval: time.Millisecond,
		LogLevel:          asynq.FatalLevel,
	})
	err := s.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error { return handle(task.Payload()) }))
	return func() error {
		s.Shutdown()
		return nil
	}, err
}

func asynqProcessed(ctx context.Context, s Servers) (int, error) {
	c := s.Redis.Client
	n, err := c.Do(ctx, c.B().Get().Key(fmt.Sprintf("asynq:{%s}:processed", QueueName)).Build()).AsInt64()
	if errors.Is(err, rueidis.Nil) {
		return 0, nil
	}
	return int(n), err
}
