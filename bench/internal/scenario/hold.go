package scenario

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// HoldKey selects the measuring of how long calls hold Redis.
const HoldKey = "hold"

// HoldLimit is the longest that a call may hold Redis.
const HoldLimit = 5 * time.Millisecond

// Hold says for each operation on queues of Jobs jobs how long its longest call
// held Redis.
type Hold struct {
	Jobs       int
	Operations []Operation
}

// Operation is one operation of the engine, which may take many calls.
type Operation struct {
	Name string
	// Longest is how long the longest call took inside Redis, of which command.
	Longest time.Duration
	Command string
	// Usual is the median of the scripts that the log has.
	Usual time.Duration
	// Over counts the calls that took longer than [HoldLimit].
	Over    int
	Elapsed time.Duration
	// Stopped says that the operation was given up after [operationLimit].
	Stopped bool
}

// operationLimit is how long one operation is given in all.
const operationLimit = time.Minute

// MeasureHold does every operation of JobRunner's engine on large queues, on a
// server of its own, and reads from its slow log how long each call took.
func MeasureHold(ctx context.Context, jobs int) (*Hold, error) {
	redis, err := server.StartRedis(ctx)
	if err != nil {
		return nil, err
	}
	defer redis.Stop()
	// The log has times by the clock. Without the right to it, other processes
	// lengthen some of them.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, redis.PID(), -20)
	backend, err := bullmq.OpenRedis(ctx, "redis://"+redis.Addr, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = backend.Close() }()
	h := &holder{redis: redis, backend: backend, hold: &Hold{Jobs: jobs}, flows: bullmq.NewFlowProducer(backend, nil)}
	if h.queue, err = bullmq.NewQueue(backend, peer.QueueName, nil); err != nil {
		return nil, err
	}
	c := redis.Client
	for name, value := range map[string]string{"slowlog-log-slower-than": "50", "slowlog-max-len": "20000"} {
		if err := c.Do(ctx, c.B().ConfigSet().ParameterValue().ParameterValue(name, value).Build()).Error(); err != nil {
			return nil, err
		}
	}
	for _, part := range []func(context.Context) error{
		h.waiting, h.finished, h.delayed, h.prioritized, h.active, h.family, h.removal,
	} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(h.hold.Operations, func(a, b Operation) int { return int(b.Longest - a.Longest) })
	return h.hold, nil
}

// holder does operations on large queues, one state after the other.
type holder struct {
	redis   *server.Redis
	backend *bullmq.Redis
	queue   *bullmq.Queue
	flows   *bullmq.FlowProducer
	hold    *Hold
}

// do measures an operation.
func (h *holder) do(ctx context.Context, name string, run func(ctx context.Context) error) error {
	c := h.redis.Client
	if err := c.Do(ctx, c.B().SlowlogReset().Build()).Error(); err != nil {
		return err
	}
	op := Operation{Name: name}
	limited, cancel := context.WithTimeout(ctx, operationLimit)
	defer cancel()
	start := time.Now()
	if err := run(limited); err != nil {
		if op.Stopped = limited.Err() != nil && ctx.Err() == nil; !op.Stopped {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	op.Elapsed = time.Since(start)
	if err := h.readSlowLog(ctx, &op); err != nil {
		return err
	}
	h.hold.Operations = append(h.hold.Operations, op)
	slog.InfoContext(ctx, "measured", "scenario", HoldKey, "operation", name, "longest", op.Longest, "usual", op.Usual,
		"over", op.Over, "took", op.Elapsed.Round(time.Millisecond))
	return nil
}

// readSlowLog finds the longest call of an operation. The log has a script's
// own commands as well as the script.
func (h *holder) readSlowLog(ctx context.Context, op *Operation) error {
	c := h.redis.Client
	entries, err := c.Do(ctx, c.B().SlowlogGet().Count(-1).Build()).ToArray()
	if err != nil {
		return err
	}
	var scripts []time.Duration
	for _, e := range entries {
		parts, err := e.ToArray()
		if err != nil || len(parts) < 4 {
			return errors.Join(err, errors.New("unexpected entry of the slow log"))
		}
		micros, _ := parts[2].AsInt64()
		args, _ := parts[3].AsStrSlice()
		if len(args) == 0 || strings.EqualFold(args[0], "slowlog") {
			continue
		}
		took := time.Duration(micros) * time.Microsecond
		if strings.HasPrefix(args[0], "EVAL") {
			scripts = append(scripts, took)
			if took > HoldLimit {
				op.Over++
			}
		}
		if took > op.Longest {
			op.Longest, op.Command = took, args[0]
		}
	}
	if slices.Sort(scripts); len(scripts) > 0 {
		op.Usual = scripts[len(scripts)/2]
	}
	if op.Longest > HoldLimit && op.Over == 0 {
		op.Over = 1 // one that is no script
	}
	return nil
}

// operation is a name and what it stands for, for a table of them.
type operation struct {
	name string
	run  func(ctx context.Context) error
}

func (h *holder) doAll(ctx context.Context, operations []operation) error {
	for _, o := range operations {
		if err := h.do(ctx, o.name, o.run); err != nil {
			return err
		}
	}
	return nil
}

// fill empties the server and adds the jobs of one state.
func (h *holder) fill(ctx context.Context, opts *bullmq.JobOptions) error {
	return h.fillWith(ctx, h.hold.Jobs, opts)
}

func (h *holder) fillWith(ctx context.Context, jobs int, opts *bullmq.JobOptions) error {
	if err := h.redis.Flush(ctx); err != nil {
		return err
	}
	for added := 0; added < jobs; added += bulkSize {
		if err := h.addBulk(ctx, opts); err != nil {
			return err
		}
	}
	return nil
}

func (h *holder) addBulk(ctx context.Context, opts *bullmq.JobOptions) error {
	bulk := make([]bullmq.BulkJob, bulkSize)
	for i := range bulk {
		bulk[i] = bullmq.BulkJob{Name: "noop", Data: peer.Data{Index: i, Payload: "x"}, Opts: opts}
	}
	_, err := h.queue.AddBulk(ctx, bulk)
	return err
}

// middle is a job in the middle of the queue.
func (h *holder) middle(ctx context.Context) (*bullmq.Job, error) {
	return h.queue.Job(ctx, fmt.Sprint(h.hold.Jobs/2))
}

// on makes an operation of a method of the job in the middle.
func (h *holder) on(name string, run func(ctx context.Context, j *bullmq.Job) error) operation {
	return operation{name, func(ctx context.Context) error {
		j, err := h.middle(ctx)
		if err != nil {
			return err
		}
		return run(ctx, j)
	}}
}

// work lets a worker handle some thousand jobs.
func (h *holder) work(ctx context.Context, opts *bullmq.WorkerOptions) error {
	const jobs = 5000
	opts.Concurrency = concurrency
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{}, h.hold.Jobs+jobs)
	worker, err := bullmq.NewWorker(h.backend, peer.QueueName, func(context.Context, *bullmq.Job) (any, error) {
		done <- struct{}{}
		return nil, nil
	}, opts)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	for range jobs {
		select {
		case <-done:
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return errors.New("the worker was given no job for a minute")
		}
	}
	cancel()
	return <-ended
}
