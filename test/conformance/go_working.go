package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// workerArgs are the options of the worker that a step acts as, in the names of
// npm bullmq, and what it does.
type workerArgs struct {
	Worker json.RawMessage `json:"worker"`
	ID     string          `json:"id"`
	Token  string          `json:"token"`
	// Fetch takes the next job in the same call.
	Fetch bool `json:"fetch"`
}

type workerOptions struct {
	Name               string `json:"name"`
	LockDuration       ms     `json:"lockDuration"`
	StalledInterval    ms     `json:"stalledInterval"`
	MaxStalledCount    *int   `json:"maxStalledCount"`
	MaxStartedAttempts int    `json:"maxStartedAttempts"`
	Metrics            int    `json:"metrics"`
	Limiter            *struct {
		Max      int
		Duration ms
	} `json:"limiter"`
	RemoveOnComplete *bullmq.Keep `json:"removeOnComplete"`
	RemoveOnFail     *bullmq.Keep `json:"removeOnFail"`
}

func (a workerArgs) options() (workerOptions, error) {
	var o workerOptions
	if len(a.Worker) == 0 {
		return o, nil
	}
	return o, json.Unmarshal(a.Worker, &o)
}

func (s *goStep) worker(a workerArgs) (*bullmq.Worker, error) {
	o, err := a.options()
	if err != nil {
		return nil, err
	}
	opts := &bullmq.WorkerOptions{
		Prefix: s.prefix, Name: o.Name, Now: s.clock,
		LockDuration: o.LockDuration.duration(), StalledInterval: o.StalledInterval.duration(),
		MaxStartedAttempts: o.MaxStartedAttempts, MetricsPoints: o.Metrics,
		RemoveOnComplete: o.RemoveOnComplete, RemoveOnFail: o.RemoveOnFail,
	}
	if o.MaxStalledCount != nil {
		// To this engine 0 is the default, and -1 stands for never.
		opts.MaxStalledCount = cmp.Or(*o.MaxStalledCount, -1)
	}
	if o.Limiter != nil {
		opts.Limiter = &bullmq.RateLimit{Max: o.Limiter.Max, Duration: o.Limiter.Duration.duration()}
	}
	return bullmq.NewWorker(s.redis, s.step.Queue, nil, opts)
}

// claim names a job that a worker of this engine has taken.
type claim struct{ prefix, queue, id, token, worker string }

func (s *goStep) claim(a workerArgs, id string) claim {
	return claim{s.prefix, s.step.Queue, id, a.Token, string(a.Worker)}
}

// held is the job that the step acts on, if it was this engine that took it last,
// as the same worker.
func (s *goStep) held(ctx context.Context, a workerArgs) (*bullmq.Job, bool) {
	job, ok := s.claims[s.claim(a, a.ID)]
	if !ok {
		return nil, false
	}
	stored, err := s.job(ctx)
	if err != nil || stored.AttemptsStarted != job.AttemptsStarted || !stored.ProcessedOn.Equal(job.ProcessedOn) {
		return job, errors.Is(err, bullmq.ErrJobNotFound)
	}
	return job, true
}

func fetch(ctx context.Context, s *goStep, a workerArgs) (any, error) {
	w, err := s.worker(a)
	if err != nil {
		return nil, err
	}
	job, err := w.NextJob(ctx, &bullmq.NextJobOptions{Token: a.Token})
	if errors.Is(err, bullmq.ErrNoJob) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.claims[s.claim(a, job.ID)] = job
	return viewJob(job), nil
}

type completeArgs struct {
	workerArgs
	Value json.RawMessage `json:"value"`
}

func complete(ctx context.Context, s *goStep, a completeArgs) (any, error) {
	if a.Value == nil {
		a.Value = json.RawMessage("null")
	}
	if job, ok := s.held(ctx, a.workerArgs); ok && !a.Fetch {
		return nil, job.MoveToCompleted(ctx, a.Value)
	}
	job, opts, err := s.stored(ctx, a.workerArgs)
	if err != nil {
		return nil, err
	}
	return s.finish(ctx, a.workerArgs, bullmq.Outcome{
		Kind: bullmq.OutcomeCompleted, ID: a.ID, Token: a.Token, ReturnValue: a.Value,
		AttemptsMade: job.AttemptsMade + 1, Keep: keep(job.Opts.RemoveOnComplete, opts.RemoveOnComplete),
	})
}

type failArgs struct {
	workerArgs
	Error thrown `json:"error"`
}

// thrown is an error of a job's processor.
type thrown struct {
	Name          string `json:"name"`
	Message       string `json:"message"`
	Unrecoverable bool   `json:"unrecoverable"`
}

func (t thrown) err() error {
	if t.Unrecoverable || t.Name == "UnrecoverableError" {
		return bullmq.Unrecoverable(errors.New(t.Message))
	}
	return &bullmq.NamedError{Name: t.Name, Message: t.Message}
}

func fail(ctx context.Context, s *goStep, a failArgs) (any, error) {
	if job, ok := s.held(ctx, a.workerArgs); ok && !a.Fetch {
		_, err := job.MoveToFailed(ctx, a.Error.err())
		// The job remembers an attempt that was refused; the Node side reads jobs anew.
		delete(s.claims, s.claim(a.workerArgs, a.ID))
		return nil, err
	}
	job, opts, err := s.stored(ctx, a.workerArgs)
	if err != nil {
		return nil, err
	}
	return s.finish(ctx, a.workerArgs, a.outcome(job, opts))
}

// stored reads the job that a worker acts on without having taken it here.
func (s *goStep) stored(ctx context.Context, a workerArgs) (*bullmq.Job, workerOptions, error) {
	opts, err := a.options()
	if err != nil {
		return nil, opts, err
	}
	job, err := s.job(ctx)
	if errors.Is(err, bullmq.ErrJobNotFound) {
		job, err = &bullmq.Job{ID: a.ID}, nil // The store says so itself.
	}
	return job, opts, err
}

// finish reports one outcome and, if the step says so, takes the next job.
func (s *goStep) finish(ctx context.Context, a workerArgs, o bullmq.Outcome) (any, error) {
	opts, err := a.options()
	if err != nil {
		return nil, err
	}
	request := bullmq.WorkRequest{
		Outcomes: []bullmq.Outcome{o}, Token: a.Token, WorkerName: opts.Name, MetricsPoints: opts.Metrics,
		LockDuration: cmp.Or(opts.LockDuration, 30_000).duration(),
	}
	if opts.Limiter != nil {
		request.Limiter = bullmq.RateLimit{Max: opts.Limiter.Max, Duration: opts.Limiter.Duration.duration()}
	}
	// BullMQ fetches nothing along with a retry at once, nor with what it refuses.
	// This engine does: a batch goes on without the jobs that were lost.
	if a.Fetch && (o.Kind != bullmq.OutcomeRetry || o.Delay > 0) {
		accepted, err := s.accepts(ctx, o)
		if err != nil {
			return nil, err
		}
		if accepted {
			request.Fetch = 1
		}
	}
	reply, err := s.redis.FinishAndFetch(ctx, s.ref(), request)
	if err != nil {
		return nil, err
	}
	if err := reply.Errors[0]; err != nil || len(reply.Jobs) == 0 {
		return nil, err
	}
	return viewJob(reply.Jobs[0]), nil
}

// accepts says whether the outcome will be taken: its job is active and locked by
// the token, and if it has completed, no child stands against that.
func (s *goStep) accepts(ctx context.Context, o bullmq.Outcome) (bool, error) {
	client, key := s.redis.Client(), s.ref().JobKey(o.ID)
	active, err := client.Do(ctx, client.B().Lrange().Key(s.ref().JobKey("active")).Start(0).Stop(-1).Build()).AsStrSlice()
	if err != nil {
		return false, err
	}
	exists, err := client.Do(ctx, client.B().Exists().Key(key).Build()).AsBool()
	if err != nil {
		return false, err
	}
	lock, err := client.Do(ctx, client.B().Get().Key(key+":lock").Build()).ToString()
	if err != nil && !rueidis.IsRedisNil(err) {
		return false, err
	}
	against, err := client.Do(ctx, client.B().Exists().Key(key+":dependencies", key+":unsuccessful").Build()).AsInt64()
	free := o.Kind != bullmq.OutcomeCompleted || against == 0
	return exists && free && slices.Contains(active, o.ID) && (lock == o.Token || o.Token == "0"), err
}

// outcome is what a worker makes of a failed attempt.
func (a failArgs) outcome(job *bullmq.Job, opts workerOptions) bullmq.Outcome {
	name := cmp.Or(a.Error.Name, "Error")
	if a.Error.Unrecoverable {
		name = "UnrecoverableError"
	}
	stack := name
	if a.Error.Message != "" {
		stack += ": " + a.Error.Message
	}
	stacks := append(job.Stacktrace, stack)
	if limit := job.Opts.StackTraceLimit; limit != nil && len(stacks) > *limit {
		stacks = stacks[len(stacks)-*limit:]
	}
	trace, _ := json.Marshal(stacks) // Strings always encode.
	o := bullmq.Outcome{
		Kind: bullmq.OutcomeFailed, ID: a.ID, Token: a.Token, FailedReason: a.Error.Message, Stacktrace: trace,
		AttemptsMade: job.AttemptsMade + 1, Attempts: job.Opts.Attempts, LIFO: job.Opts.LIFO,
		Keep: keep(job.Opts.RemoveOnFail, opts.RemoveOnFail),
	}
	limit := opts.MaxStartedAttempts
	if o.AttemptsMade < job.Opts.Attempts && name != "UnrecoverableError" && (limit == 0 || limit > job.AttemptsStarted) {
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

func keep(own, worker *bullmq.Keep) bullmq.Keep { return *cmp.Or(own, worker, bullmq.KeepAll()) }
