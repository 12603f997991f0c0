package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var queueOperations = map[string]operation{
	"pause": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p pauseParams) (any, error) {
		if p.Pause {
			return nil, s.backend.Pause(ctx, q)
		}
		return nil, s.backend.Resume(ctx, q)
	}),
	"drain": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p drainParams) (any, error) {
		return nil, s.backend.Drain(ctx, q, p.Delayed)
	}),
	"clean": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p cleanParams) (any, error) {
		// Where version 5 keeps the waiting jobs of a paused queue there are none.
		if p.State == "paused" {
			return []string{}, nil
		}
		state, err := stateOf(p.State)
		if err != nil {
			return nil, err
		}
		ids, err := s.backend.Clean(ctx, q, state, epoch(p.Before), p.Limit)
		return list(ids), err
	}),
	"obliterate": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p obliterateParams) (any, error) {
		err := s.backend.Obliterate(ctx, q, p.Force)
		switch {
		case errors.Is(err, bullmq.ErrQueueNotPaused):
			return nil, errors.New("Cannot obliterate non-paused queue") //nolint:staticcheck // BullMQ's text
		case errors.Is(err, bullmq.ErrQueueActive):
			return nil, errors.New("Cannot obliterate queue with active jobs") //nolint:staticcheck // BullMQ's text
		}
		return nil, err
	}),
	"removeOrphanedJobs": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		return s.backend.RemoveOrphanedJobs(ctx, q)
	}),
	"retryJobs": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p retryJobsParams) (any, error) {
		return s.backend.RetryJobs(ctx, q, p.State, epoch(p.Before))
	}),
	"promoteJobs": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		return s.backend.PromoteJobs(ctx, q)
	}),
	"setRateLimit": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p setRateLimitParams) (any, error) {
		return nil, s.backend.RateLimit(ctx, q, millis(p.Duration))
	}),
	"removeRateLimit": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		return nil, s.backend.RemoveRateLimit(ctx, q)
	}),
	"getRateLimitTtl": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p rateLimitTTLParams) (any, error) {
		return rateLimitTTL(ctx, s, q, p.MaxJobs)
	}),
	"isMaxed": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		meta, err := s.backend.Meta(ctx, []bullmq.QueueRef{q})
		if err != nil {
			return nil, err
		}
		counts, err := s.backend.Counts(ctx, []bullmq.QueueRef{q})
		if err != nil {
			return nil, err
		}
		limit := int64(meta[0].Concurrency)
		return limit > 0 && counts[0][bullmq.StateActive] >= limit, nil
	}),
	"trimEvents": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p trimEventsParams) (any, error) {
		return s.backend.TrimEvents(ctx, q, p.Max)
	}),
	"publishEvent": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p publishEventParams) (any, error) {
		fields := make(map[string]string, len(p.Fields))
		for name, value := range p.Fields {
			fields[name] = fmt.Sprint(value)
		}
		event := fields["event"]
		delete(fields, "event")
		return s.backend.PublishEvent(ctx, q, event, fields, p.MaxEvents)
	}),
}

// rateLimitTTL is for how many ms the queue is rate limited. With a limit,
// maxJobs or the queue's own, that is 0 until so many jobs have started; without
// one it is -2 if nothing is limited.
func rateLimitTTL(ctx context.Context, s *session, q bullmq.QueueRef, maxJobs int) (int64, error) {
	ttl, err := s.backend.RateLimitTTL(ctx, q, maxJobs)
	if err != nil || ttl > 0 || maxJobs > 0 {
		return ttl.Milliseconds(), err
	}
	meta, err := s.backend.Meta(ctx, []bullmq.QueueRef{q})
	if err != nil || meta[0].RateLimitMax > 0 {
		return 0, err
	}
	return -2, nil
}

func epoch(ms float64) time.Time { return time.UnixMilli(int64(ms)) }

type pauseParams struct {
	Pause bool `json:"pause"`
}

type drainParams struct {
	Delayed bool `json:"delayed"`
}

type cleanParams struct {
	State  string  `json:"state"`
	Before float64 `json:"before"` // epoch ms
	Limit  int     `json:"limit"`
}

type obliterateParams struct {
	Force bool `json:"force"`
}

type retryJobsParams struct {
	State  bullmq.JobState `json:"state"`
	Before float64         `json:"before"` // epoch ms
}

type setRateLimitParams struct {
	Duration float64 `json:"duration"` // ms
}

type rateLimitTTLParams struct {
	MaxJobs int `json:"maxJobs"`
}

type trimEventsParams struct {
	Max int64 `json:"max"`
}

type publishEventParams struct {
	Fields    map[string]any `json:"fields"`
	MaxEvents int            `json:"maxEvents"`
}
