package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Go is this project's engine. It has one clock, so it plays one scenario at a time.
type Go struct {
	redis *bullmq.Redis
	now   atomic.Int64 // epoch milliseconds
	// claims are the jobs that its workers have taken.
	claims map[claim]*bullmq.Job
}

var _ Engine = (*Go)(nil)

// OpenGo opens the engine on the server of the URL.
func OpenGo(ctx context.Context, redisURL string) (*Go, error) {
	g := &Go{claims: map[claim]*bullmq.Job{}}
	redis, err := bullmq.OpenRedis(ctx, redisURL, &bullmq.RedisOptions{Now: g.clock})
	g.redis = redis
	return g, err
}

// Close ends its connections.
func (g *Go) Close() error { return g.redis.Close() }

// Name implements [Engine].
func (g *Go) Name() string { return "go" }

// End implements [Engine].
func (g *Go) End(context.Context, string) error {
	clear(g.claims)
	return nil
}

func (g *Go) clock() time.Time { return time.UnixMilli(g.now.Load()) }

// Do implements [Engine].
func (g *Go) Do(ctx context.Context, prefix string, now time.Time, step Step) (any, error) {
	op, ok := goOperations[step.Op]
	if !ok {
		return nil, fmt.Errorf("unknown operation %s", step.Op)
	}
	g.now.Store(now.UnixMilli())
	result, err := op(ctx, &goStep{Go: g, prefix: prefix, step: step})
	var malformed *json.SyntaxError
	switch {
	case errors.As(err, &malformed), ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, &Refusal{Text: goCondition(err)}
	}
	return plain(result)
}

// goStep is one step and where it runs.
type goStep struct {
	*Go
	prefix string
	step   Step
}

type goOperation func(context.Context, *goStep) (any, error)

// goOperations are the steps' operations by name.
var goOperations = merge(goAdding, goWorking, goJobs, goQueues, goGetters, goSchedulers)

func merge(groups ...map[string]goOperation) map[string]goOperation {
	all := map[string]goOperation{}
	for _, group := range groups {
		maps.Copy(all, group)
	}
	return all
}

// with makes an operation of a function that takes the step's arguments.
func with[A any](f func(context.Context, *goStep, A) (any, error)) goOperation {
	return func(ctx context.Context, s *goStep) (any, error) {
		args, err := decodeArgs[A](s.step)
		if err != nil {
			return nil, err
		}
		return f(ctx, s, args)
	}
}

// onQueue makes an operation of a method of the queue.
func onQueue[A any](f func(context.Context, *bullmq.Queue, A) (any, error)) goOperation {
	return with(func(ctx context.Context, s *goStep, args A) (any, error) {
		q, err := s.queue()
		if err != nil {
			return nil, err
		}
		return f(ctx, q, args)
	})
}

// onJob makes an operation of a method of the stored job that the step names.
func onJob[A any](f func(context.Context, *bullmq.Job, A) (any, error)) goOperation {
	return with(func(ctx context.Context, s *goStep, args A) (any, error) {
		job, err := s.job(ctx)
		if err != nil {
			return nil, err
		}
		return f(ctx, job, args)
	})
}

// none is the arguments of an operation without any.
type none struct{}

func (s *goStep) ref() bullmq.QueueRef { return bullmq.QueueRef{Prefix: s.prefix, Name: s.step.Queue} }

func (s *goStep) queue() (*bullmq.Queue, error) {
	var given struct {
		QueueOptions struct {
			DefaultJobOptions *bullmq.JobOptions `json:"defaultJobOptions"`
		} `json:"queueOptions"`
	}
	if err := json.Unmarshal(s.step.Args, &given); err != nil {
		return nil, err
	}
	return bullmq.NewQueue(s.redis, s.step.Queue, &bullmq.QueueOptions{
		Prefix: s.prefix, Now: s.clock, DefaultJobOptions: given.QueueOptions.DefaultJobOptions,
	})
}

func (s *goStep) job(ctx context.Context) (*bullmq.Job, error) {
	args, err := decodeArgs[struct{ ID string }](s.step)
	if err != nil {
		return nil, err
	}
	q, err := s.queue()
	if err != nil {
		return nil, err
	}
	return q.Job(ctx, args.ID)
}

// ms is a length of time that JSON has in milliseconds.
type ms float64

func (m ms) duration() time.Duration { return time.Duration(float64(m) * float64(time.Millisecond)) }
