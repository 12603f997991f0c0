package main

import (
	"context"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// stateNames are the names by which BullMQ's getters call the states. Waiting
// jobs of a paused queue, "paused", are among the waiting ones here.
var stateNames = map[string]bullmq.JobState{
	"wait": bullmq.StateWaiting, "waiting": bullmq.StateWaiting, "active": bullmq.StateActive, "delayed": bullmq.StateDelayed,
	"prioritized": bullmq.StatePrioritized, "waiting-children": bullmq.StateWaitingChildren,
	"completed": bullmq.StateCompleted, "failed": bullmq.StateFailed,
}

func stateOf(name string) (bullmq.JobState, error) {
	state, ok := stateNames[name]
	if !ok {
		return "", fmt.Errorf("unknown job state %q", name)
	}
	return state, nil
}

var readOperations = map[string]operation{
	"getCounts": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p getCountsParams) (any, error) {
		counts, err := s.backend.Counts(ctx, []bullmq.QueueRef{q})
		if err != nil {
			return nil, err
		}
		if p.DelayedBefore != nil {
			if counts[0][bullmq.StateDelayed], err = s.backend.DelayedCount(ctx, q, epoch(*p.DelayedBefore)); err != nil {
				return nil, err
			}
		}
		out := make([]int64, len(p.Types))
		for i, name := range p.Types {
			out[i] = counts[0][stateNames[name]]
		}
		return out, nil
	}),
	"getRanges": on(getRanges),
	"isJobInState": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p isJobInStateParams) (any, error) {
		return isInState(ctx, s, q, p.State, p.JobID)
	}),
	"getClientList": on(func(ctx context.Context, s *session, _ bullmq.QueueRef, _ none) (any, error) {
		c := s.redis.Client()
		text, err := c.Do(ctx, c.B().ClientList().Build()).ToString()
		return []string{text}, err
	}),
	"getCountsPerPriority": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p getCountsPerPriorityParams) (any, error) {
		return s.backend.CountsPerPriority(ctx, q, p.Priorities)
	}),
	"getMetrics": on(getMetrics),
}

// getRanges answers with the ids of a range in each of some states: newest first,
// or with asc in the order in which they run or ended. Ids that have lost their
// job give way to those behind them.
func getRanges(ctx context.Context, s *session, q bullmq.QueueRef, p getRangesParams) (any, error) {
	queue, err := bullmq.NewQueue(s.backend, q.Name, &bullmq.QueueOptions{Prefix: q.Prefix})
	if err != nil {
		return nil, err
	}
	out := make([][]string, len(p.Types))
	for i, name := range p.Types {
		out[i] = []string{}
		state, known := stateNames[name]
		if !known {
			continue
		}
		// By default the engine lists finished jobs newest first, others as they run.
		finished := state == bullmq.StateCompleted || state == bullmq.StateFailed
		jobs, err := queue.Jobs(ctx, bullmq.JobsQuery{State: state, Start: p.Start, End: p.End, Reverse: finished == p.Asc})
		if err != nil {
			return nil, err
		}
		for _, job := range jobs {
			out[i] = append(out[i], job.ID)
		}
	}
	return out, nil
}

func isInState(ctx context.Context, s *session, q bullmq.QueueRef, state, id string) (bool, error) {
	c := s.redis.Client()
	var reply rueidis.RedisResult
	switch state {
	case "waiting":
		in, err := isInState(ctx, s, q, "wait", id)
		if in || err != nil {
			return in, err
		}
		return isInState(ctx, s, q, "paused", id)
	case "wait", "paused", "active":
		reply = c.Do(ctx, c.B().Lpos().Key(q.JobKey(state)).Element(id).Build())
	case "prioritized", "completed", "failed", "delayed", "waiting-children":
		reply = c.Do(ctx, c.B().Zscore().Key(q.JobKey(state)).Member(id).Build())
	default:
		return false, fmt.Errorf("Unknown job state: %s", state) //nolint:staticcheck // BullMQ's text
	}
	if rueidis.IsRedisNil(reply.Error()) {
		return false, nil
	}
	return reply.Error() == nil, reply.Error()
}

type getMetricsParams struct {
	Type  bullmq.JobState `json:"type"`
	Start int64           `json:"start"`
	End   int64           `json:"end"`
}

// getMetrics answers with the count, the time of the latest data point and the
// count before it, then the data points and their number.
func getMetrics(ctx context.Context, s *session, q bullmq.QueueRef, p getMetricsParams) (any, error) {
	c, key := s.redis.Client(), q.JobKey("metrics:"+string(p.Type))
	meta, err := c.Do(ctx, c.B().Hmget().Key(key).Field("count", "prevTS", "prevCount").Build()).ToArray()
	if err != nil {
		return nil, err
	}
	texts := make([]*string, len(meta))
	for i := range meta {
		if text, err := meta[i].ToString(); err == nil {
			texts[i] = &text
		}
	}
	points, err := c.Do(ctx, c.B().Lrange().Key(key+":data").Start(p.Start).Stop(p.End).Build()).AsStrSlice()
	if err != nil {
		return nil, err
	}
	count, err := c.Do(ctx, c.B().Llen().Key(key+":data").Build()).AsInt64()
	return []any{texts, list(points), count}, err
}

type getCountsParams struct {
	Types         []string `json:"types"`
	DelayedBefore *float64 `json:"delayedBefore"` // epoch ms
}

type getRangesParams struct {
	Types []string `json:"types"`
	Start int64    `json:"start"`
	End   int64    `json:"end"`
	Asc   bool     `json:"asc"`
}

type isJobInStateParams struct {
	jobParams
	State string `json:"state"`
}

type getCountsPerPriorityParams struct {
	Priorities []int `json:"priorities"`
}
