package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// workerArgs are the options of the worker that a step acts as, in the names of
// npm bullmq.
type workerArgs struct {
	Worker struct {
		Name             string       `json:"name"`
		LockDuration     ms           `json:"lockDuration"`
		StalledInterval  ms           `json:"stalledInterval"`
		MaxStalledCount  *int         `json:"maxStalledCount"`
		RemoveOnComplete *bullmq.Keep `json:"removeOnComplete"`
		RemoveOnFail     *bullmq.Keep `json:"removeOnFail"`
	} `json:"worker"`
	ID    string `json:"id"`
	Token string `json:"token"`
	Fetch bool   `json:"fetch"`
}

func (a workerArgs) request() bullmq.WorkRequest {
	return bullmq.WorkRequest{
		Token: a.Token, WorkerName: a.Worker.Name,
		LockDuration: cmp.Or(a.Worker.LockDuration, 30_000).duration(),
	}
}

// finish reports one outcome and, if the step says so, takes the next job.
func (s *goStep) finish(ctx context.Context, a workerArgs, o bullmq.Outcome) (any, error) {
	request := a.request()
	request.Outcomes = []bullmq.Outcome{o}
	// BullMQ fetches nothing along with a retry at once.
	if a.Fetch && (o.Kind != bullmq.OutcomeRetry || o.Delay > 0) {
		request.Fetch = 1
	}
	reply, err := s.redis.FinishAndFetch(ctx, s.ref(), request)
	if err != nil {
		return nil, err
	}
	if err := reply.Errors[0]; err != nil {
		return nil, err
	}
	return firstJob(reply), nil
}

func firstJob(reply *bullmq.WorkReply) any {
	if len(reply.Jobs) == 0 {
		return nil
	}
	return viewJob(reply.Jobs[0])
}

type completeArgs struct {
	workerArgs
	Value json.RawMessage `json:"value"`
}

type failArgs struct {
	workerArgs
	Error struct {
		Name          string `json:"name"`
		Message       string `json:"message"`
		Stack         string `json:"stack"`
		Unrecoverable bool   `json:"unrecoverable"`
	} `json:"error"`
}

var goWorking = map[string]goOperation{
	"fetch": with(func(ctx context.Context, s *goStep, a workerArgs) (any, error) {
		request := a.request()
		request.Fetch = 1
		reply, err := s.redis.FinishAndFetch(ctx, s.ref(), request)
		if err != nil {
			return nil, err
		}
		return firstJob(reply), nil
	}),
	"complete": with(func(ctx context.Context, s *goStep, a completeArgs) (any, error) {
		value := []byte(a.Value)
		if value == nil {
			value = []byte("null")
		}
		job, err := s.job(ctx)
		if err != nil {
			return nil, err
		}
		return s.finish(ctx, a.workerArgs, bullmq.Outcome{
			Kind: bullmq.OutcomeCompleted, ID: a.ID, Token: a.Token, ReturnValue: value,
			AttemptsMade: job.AttemptsMade + 1, Keep: keep(job.Opts.RemoveOnComplete, a.Worker.RemoveOnComplete),
		})
	}),
	"fail": with(func(ctx context.Context, s *goStep, a failArgs) (any, error) {
		job, err := s.job(ctx)
		if err != nil {
			return nil, err
		}
		return s.finish(ctx, a.workerArgs, a.outcome(job))
	}),
	"extendLocks": with(func(ctx context.Context, s *goStep, a struct {
		IDs      []string
		Tokens   []string
		Duration ms
	},
	) (any, error) {
		locks := make([]bullmq.JobLock, len(a.IDs))
		for i, id := range a.IDs {
			locks[i] = bullmq.JobLock{ID: id, Token: a.Tokens[i]}
		}
		lost, err := s.redis.ExtendLocks(ctx, s.ref(), locks, a.Duration.duration())
		return append([]string{}, lost...), err
	}),
	"stalled": with(func(ctx context.Context, s *goStep, a workerArgs) (any, error) {
		count := 1
		if a.Worker.MaxStalledCount != nil {
			count = *a.Worker.MaxStalledCount
		}
		interval := cmp.Or(a.Worker.StalledInterval, 30_000).duration()
		ids, err := s.redis.RecoverStalled(ctx, s.ref(), count, interval)
		return append([]string{}, ids...), err
	}),
}

// outcome is what a worker makes of a failed attempt.
func (a failArgs) outcome(job *bullmq.Job) bullmq.Outcome {
	e := a.Error
	name := cmp.Or(e.Name, "Error")
	if e.Unrecoverable {
		name = "UnrecoverableError"
	}
	stack := name
	if e.Message != "" {
		stack += ": " + e.Message
	}
	stacks := append(job.Stacktrace, cmp.Or(e.Stack, stack))
	if limit := job.Opts.StackTraceLimit; limit != nil && len(stacks) > *limit {
		stacks = stacks[len(stacks)-*limit:]
	}
	trace, _ := json.Marshal(stacks) // Strings always encode.
	o := bullmq.Outcome{
		Kind: bullmq.OutcomeFailed, ID: a.ID, Token: a.Token, FailedReason: e.Message, Stacktrace: trace,
		AttemptsMade: job.AttemptsMade + 1, Attempts: job.Opts.Attempts, LIFO: job.Opts.LIFO,
		Keep: keep(job.Opts.RemoveOnFail, a.Worker.RemoveOnFail),
	}
	if o.AttemptsMade < job.Opts.Attempts && name != "UnrecoverableError" {
		o.Kind, o.Delay = bullmq.OutcomeRetry, pause(job.Opts.Backoff, o.AttemptsMade)
	}
	return o
}

// pause is how long a job waits after that many attempts.
func pause(b *bullmq.Backoff, made int) time.Duration {
	switch {
	case b == nil:
		return 0
	case b.Type == bullmq.BackoffExponential:
		return b.Delay << (made - 1)
	default:
		return b.Delay
	}
}

func keep(own, worker *bullmq.Keep) bullmq.Keep {
	return *cmp.Or(own, worker, bullmq.KeepAll())
}
