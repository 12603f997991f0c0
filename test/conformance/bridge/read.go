package main

import (
	"context"
	"fmt"
	"strconv"

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
	"getCounts": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p struct {
		Types []string `json:"types"`
	},
	) (any, error) {
		counts, err := s.backend.Counts(ctx, []bullmq.QueueRef{q})
		if err != nil {
			return nil, err
		}
		out := make([]int64, len(p.Types))
		for i, name := range p.Types {
			out[i] = counts[0][stateNames[name]]
		}
		return out, nil
	}),
	// getRanges answers with the ids in the order in which they run or ended.
	"getRanges": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p struct {
		Types []string `json:"types"`
		Start int64    `json:"start"`
		End   int64    `json:"end"`
		Asc   bool     `json:"asc"`
	},
	) (any, error) {
		out := make([][]string, len(p.Types))
		for i, name := range p.Types {
			state, known := stateNames[name]
			if !known {
				out[i] = []string{}
				continue
			}
			ids, err := s.backend.JobIDs(ctx, q, state, p.Start, p.End, !p.Asc)
			if err != nil {
				return nil, err
			}
			out[i] = list(ids)
		}
		return out, nil
	}),
	"isJobInState": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p struct {
		jobParams
		State string `json:"state"`
	},
	) (any, error) {
		return isInState(ctx, s, q, p.State, p.JobID)
	}),
	"getClientList": on(func(ctx context.Context, s *session, _ bullmq.QueueRef, _ none) (any, error) {
		c := s.redis.Client()
		text, err := c.Do(ctx, c.B().ClientList().Build()).ToString()
		return []string{text}, err
	}),
	"getRateLimitTtl": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p struct {
		MaxJobs int `json:"maxJobs"`
	},
	) (any, error) {
		return rateLimitTTL(ctx, s, q, p.MaxJobs)
	}),
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

// rateLimitTTL is for how many ms the queue is rate limited: with maxJobs, or a
// limit of the queue's own, only once so many jobs have started. Otherwise it
// is -2 without a limit.
func rateLimitTTL(ctx context.Context, s *session, q bullmq.QueueRef, maxJobs int) (int64, error) {
	c, key := s.redis.Client(), q.JobKey("limiter")
	if maxJobs == 0 {
		meta, err := s.backend.Meta(ctx, []bullmq.QueueRef{q})
		if err != nil {
			return 0, err
		}
		maxJobs = meta[0].RateLimitMax
	}
	replies := c.DoMulti(ctx, c.B().Get().Key(key).Build(), c.B().Pttl().Key(key).Build())
	ttl, err := replies[1].AsInt64()
	if err != nil {
		return 0, err
	}
	if maxJobs == 0 {
		return ttl, nil
	}
	text, err := replies[0].ToString()
	if rueidis.IsRedisNil(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	started, err := strconv.ParseInt(text, 10, 64)
	if err != nil || started < int64(maxJobs) {
		return 0, err
	}
	return max(ttl, 0), nil
}
