package bullmq

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// FinishAndFetch implements [Backend].
func (r *Redis) FinishAndFetch(ctx context.Context, q QueueRef, req WorkRequest) (*WorkReply, error) {
	args := make([]string, 0, 8+len(req.Outcomes)*5)
	now := r.opts.Now()
	args = append(args, formatMillis(now), strconv.Itoa(req.Fetch), req.Token, formatDuration(req.LockDuration), req.WorkerName,
		optionalInt(req.Limiter.Max), optionalDuration(req.Limiter.Duration), optionalInt(req.MetricsPoints))
	args, order := appendOutcomes(args, req.Outcomes)
	reply, err := r.run(ctx, workScript, q, args...).ToArray()
	if err != nil {
		return nil, err
	}
	if len(reply) != 6 {
		return nil, fmt.Errorf("fetch from queue %s: reply has %d parts", q.Name, len(reply))
	}
	return r.decodeWork(ctx, q, req, order, reply, now.Truncate(time.Millisecond))
}

// outcomeGroup is what attempts share that ended alike; the script reads it
// once for all of them.
type outcomeGroup struct {
	kind         OutcomeKind
	token        string
	attemptsMade int
	attempts     int
	keep         Keep
	delay        time.Duration
	lifo         bool
	fields       int
}

// appendOutcomes writes the outcomes group by group and returns the order in
// which it did, as indexes of outcomes.
func appendOutcomes(args []string, outcomes []Outcome) ([]string, []int) {
	groups := make([]outcomeGroup, 0, 8)
	members := make([][]int, 0, 8)
	for i := range outcomes {
		o := &outcomes[i]
		g := outcomeGroup{o.Kind, o.Token, o.AttemptsMade, o.Attempts, o.Keep, o.Delay, o.LIFO, o.Fields}
		at := slices.Index(groups, g)
		if at < 0 {
			at = len(groups)
			groups, members = append(groups, g), append(members, nil)
		}
		members[at] = append(members[at], i)
	}
	order := make([]int, 0, len(outcomes))
	for n := range groups {
		g := &groups[n]
		args = append(args,
			string(g.kind), g.token, strconv.Itoa(g.attemptsMade), strconv.Itoa(g.attempts),
			strconv.Itoa(g.keep.Count), formatDuration(g.keep.Age), strconv.Itoa(cmp.Or(g.keep.Limit, 1000)),
			formatDuration(g.delay), flag(g.lifo), optionalInt(g.fields), strconv.Itoa(len(members[n])))
		for _, i := range members[n] {
			args = outcomes[i].appendArgs(args)
		}
		order = append(order, members[n]...)
	}
	return args, order
}

// appendArgs writes what an attempt says for itself.
func (o *Outcome) appendArgs(args []string) []string {
	switch o.Kind {
	case OutcomeCompleted:
		return append(args, o.ID, rueidis.BinaryString(o.ReturnValue))
	case OutcomeFailed, OutcomeRetry:
		return append(args, o.ID, o.FailedReason, rueidis.BinaryString(o.Stacktrace), o.Trace)
	case OutcomeWaitingChildren:
		return append(args, o.ID, o.Child)
	default:
		return append(args, o.ID)
	}
}

func (r *Redis) decodeWork(ctx context.Context, q QueueRef, req WorkRequest, order []int, reply []rueidis.RedisMessage, now time.Time) (*WorkReply, error) {
	codes, err := reply[0].AsIntSlice()
	if err != nil {
		return nil, err
	}
	if len(codes) != len(order) {
		return nil, fmt.Errorf("report to queue %s: %d results for %d jobs", q.Name, len(codes), len(order))
	}
	out := &WorkReply{Errors: make([]error, len(order))}
	for n, i := range order {
		out.Errors[i] = codeError(codes[n], "report "+string(req.Outcomes[i].Kind), req.Outcomes[i].ID)
		if codes[n] == 1 {
			out.Errors[i] = fmt.Errorf("job %s: %w", req.Outcomes[i].ID, ErrNoPendingChildren)
		}
	}
	limited, err := reply[3].AsInt64()
	if err != nil {
		return nil, err
	}
	out.RateLimited = time.Duration(limited) * time.Millisecond
	next, err := reply[4].AsFloat64()
	if err != nil {
		return nil, err
	}
	out.NextDelayed = dueTime(next)
	if out.Dropped, err = reply[5].AsStrSlice(); err != nil {
		return nil, err
	}
	return out, r.readTaken(ctx, q, req, out, reply[1], reply[2], now)
}

// newJobNames are the fields of a job that was added without deduplication and has
// never run, in the order in which the script gives them; the last two are those of a
// child.
var newJobNames = [newChildFields]string{"name", "data", "opts", "timestamp", "delay", "priority", "parentKey", "parent"}

const (
	newJobFields   = 6
	newChildFields = 8
)

// startedFields is how many such a job has once it has been given to a worker.
func startedFields(req WorkRequest) int {
	if req.WorkerName != "" {
		return newJobFields + 3
	}
	return newJobFields + 2
}

// readTaken decodes the jobs that a fetch has taken. Those that the script left
// out, for their size, are read here by plain commands, which hold the server for
// less time.
func (r *Redis) readTaken(ctx context.Context, q QueueRef, req WorkRequest, out *WorkReply, idReply, hashReply rueidis.RedisMessage, now time.Time) error {
	ids, err := idReply.AsStrSlice()
	if err != nil {
		return err
	}
	hashes, err := hashReply.ToArray()
	if err != nil {
		return err
	}
	if len(hashes) != len(ids) {
		return fmt.Errorf("fetch from queue %s: %d jobs for %d ids", q.Name, len(hashes), len(ids))
	}
	jobs := make([]*Job, len(ids))
	var commands rueidis.Commands
	var unread []int
	for i, id := range ids {
		fields, err := hashes[i].ToArray()
		if err != nil {
			return err
		}
		if len(fields) == 0 {
			commands = append(commands, r.client.B().Hgetall().Key(q.key(id)).Build())
			unread = append(unread, i)
			continue
		}
		var job *Job
		if len(fields) <= newChildFields {
			job = decodeNewJob(r, q, id, fields)
		} else {
			job = decodeJob(r, q, id, fields)
		}
		// The hash was read before this attempt was written to it.
		job.AttemptsStarted++
		job.ProcessedOn = now
		if req.WorkerName != "" {
			job.ProcessedBy = req.WorkerName
		}
		if len(fields) == newJobFields {
			job.fields = startedFields(req)
		}
		jobs[i] = job
	}
	for n, reply := range r.client.DoMulti(ctx, commands...) {
		id := ids[unread[n]]
		hash, err := reply.AsStrMap()
		if _, damaged := rueidis.IsRedisErr(err); err != nil && !damaged {
			return fmt.Errorf("read job %s: %w", id, err)
		}
		if len(hash) > 0 {
			job := decodeJobMap(r, q, id, hash)
			if len(hash) == startedFields(req) && job.ParentKey == "" && job.DeduplicationID == "" && job.AttemptsStarted == 1 {
				job.fields = len(hash)
			}
			jobs[unread[n]] = job
		} else {
			out.Dropped = append(out.Dropped, id)
		}
	}
	out.Jobs = slices.DeleteFunc(jobs, func(j *Job) bool { return j == nil })
	return nil
}

// ExtendLocks implements [Backend].
func (r *Redis) ExtendLocks(ctx context.Context, q QueueRef, locks []JobLock, duration time.Duration) ([]string, error) {
	const chunk = 1000
	var lost []string
	for len(locks) > 0 {
		n := min(len(locks), chunk)
		args := make([]string, 0, 1+2*n)
		args = append(args, formatDuration(duration))
		for _, l := range locks[:n] {
			args = append(args, l.ID, l.Token)
		}
		ids, err := r.run(ctx, extendLocksScript, q, args...).AsStrSlice()
		if err != nil {
			return lost, err
		}
		lost = append(lost, ids...)
		locks = locks[n:]
	}
	return lost, nil
}

// RecoverStalled implements [Backend].
func (r *Redis) RecoverStalled(ctx context.Context, q QueueRef, maxStalledCount int, interval time.Duration) ([]string, error) {
	var stalled []string
	for goOn := false; ; goOn = true {
		reply, err := r.run(ctx, recoverStalledScript, q,
			formatDuration(interval), formatInt(maxStalledCount), r.now(), flag(goOn)).ToArray()
		if err != nil {
			return stalled, err
		}
		ids, err := reply[0].AsStrSlice()
		if err != nil {
			return stalled, err
		}
		stalled = append(stalled, ids...)
		if more, err := reply[1].AsInt64(); err != nil || more == 0 {
			return stalled, err
		}
	}
}

// NewWaiter implements [Backend].
func (r *Redis) NewWaiter(q QueueRef, workerName string) Waiter {
	suffix := ""
	if workerName != "" {
		suffix = ":w:" + workerName
	}
	return &redisWaiter{blockingConn: blockingConn{client: r.client, name: q.clientName(suffix), key: q.key("marker")}, key: q.key("marker"), now: r.opts.Now}
}

// dueTime is the time of so many milliseconds, zero for none and for what is no time.
func dueTime(ms float64) time.Time {
	if ms > 0 && ms < unlimited {
		return time.UnixMilli(int64(ms))
	}
	return time.Time{}
}

type redisWaiter struct {
	blockingConn
	key string
	now func() time.Time
}

// Wait implements [Waiter].
func (w *redisWaiter) Wait(ctx context.Context, timeout time.Duration) (time.Time, error) {
	var next time.Time
	err := w.do(ctx, timeout, func(ctx context.Context, c rueidis.DedicatedClient) error {
		// A timeout of zero would wait for ever.
		seconds := max(timeout.Seconds(), 0.002)
		popped, err := c.Do(ctx, c.B().Bzpopmin().Key(w.key).Timeout(seconds).Build()).ToArray()
		if rueidis.IsRedisNil(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(popped) == 3 {
			score, err := popped[2].AsFloat64()
			if err != nil {
				return err
			}
			if due := dueTime(score); due.After(w.now()) {
				next = due
			}
		}
		return nil
	})
	return next, err
}
