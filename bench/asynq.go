package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/rueidis"
)

// asynqEngine is asynq, with settings that suit a busy queue: a connection for
// every producer and handler, and no pause when a look at the queue finds nothing.
type asynqEngine struct {
	opt     asynq.RedisClientOpt
	client  *asynq.Client
	counter rueidis.Client
}

func newAsynq(server *redisServer, connections int) *asynqEngine {
	opt := asynq.RedisClientOpt{Addr: server.addr, PoolSize: connections}
	return &asynqEngine{opt, asynq.NewClient(opt), server.client}
}

func (*asynqEngine) name() string    { return "asynq" }
func (*asynqEngine) version() string { return moduleVersion("github.com/hibiken/asynq") }
func (e *asynqEngine) close() error  { return e.client.Close() }

func (e *asynqEngine) add(ctx context.Context, jobs, producers int) error {
	return produce(ctx, jobs, producers, func(ctx context.Context, index int) error {
		data, err := json.Marshal(jobData{index, payload})
		if err != nil {
			return err
		}
		_, err = e.client.EnqueueContext(ctx, asynq.NewTask(jobName, data), asynq.Queue(queueName))
		return err
	})
}

func (*asynqEngine) addBulk(context.Context, int, int) error { return errNotOffered }

func (e *asynqEngine) startWorker(_ context.Context, jobs, concurrency int) (drain, error) {
	d := &asynqDrain{seen: make(tally, jobs)}
	d.server = asynq.NewServer(e.opt, asynq.Config{
		Concurrency:       concurrency,
		Queues:            map[string]int{queueName: 1},
		TaskCheckInterval: time.Millisecond,
		LogLevel:          asynq.FatalLevel,
	})
	return d, d.server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		return d.seen.record(task.Payload())
	}))
}

func (e *asynqEngine) finished(ctx context.Context) (int, error) {
	key := fmt.Sprintf("asynq:{%s}:processed", queueName)
	n, err := e.counter.Do(ctx, e.counter.B().Get().Key(key).Build()).AsInt64()
	if errors.Is(err, rueidis.Nil) {
		return 0, nil
	}
	return int(n), err
}

type asynqDrain struct {
	seen   tally
	server *asynq.Server
}

func (d *asynqDrain) stop() (delivery, error) {
	d.server.Shutdown()
	return d.seen.delivery(), nil
}
