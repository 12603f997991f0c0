package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// fetchParams are the terms on which a worker takes a job.
type fetchParams struct {
	// Fetch asks for a job.
	Fetch        bool    `json:"fetch"`
	Token        string  `json:"token"`
	LockDuration float64 `json:"lockDuration"`
	WorkerName   string  `json:"workerName"`
	Limiter      *struct {
		Max      int     `json:"max"`
		Duration float64 `json:"duration"`
	} `json:"limiter"`
	MetricsPoints int `json:"metricsPoints"`
}

func (p *fetchParams) request() bullmq.WorkRequest {
	req := bullmq.WorkRequest{
		Token: p.Token, LockDuration: millis(p.LockDuration), WorkerName: p.WorkerName, MetricsPoints: p.MetricsPoints,
	}
	if p.Limiter != nil {
		req.Limiter = bullmq.RateLimit{Max: p.Limiter.Max, Duration: millis(p.Limiter.Duration)}
	}
	if p.Fetch {
		req.Fetch = 1
	}
	return req
}

// outcomeParams tell how an attempt ended and what the worker wants next.
type outcomeParams struct {
	fetchParams
	JobID        string    `json:"jobId"`
	ReturnValue  string    `json:"returnValue"`
	FailedReason string    `json:"failedReason"`
	Stacktrace   string    `json:"stacktrace"`
	Trace        string    `json:"trace"`
	Keep         keepParam `json:"keep"`
	Attempts     int       `json:"attempts"`
	LIFO         bool      `json:"lifo"`
	Delay        float64   `json:"delay"`
	Child        string    `json:"child"`
}

// fetched is the next job, if there is one, and when to ask again.
type fetched struct {
	ID string `json:"id,omitempty"`
	// Hash is the job as it is stored.
	Hash map[string]string `json:"hash,omitempty"`
	// RateLimited is for how many ms nothing is given out.
	RateLimited int64 `json:"rateLimited"`
	// NextDelayed is when a delayed job becomes due, in epoch ms.
	NextDelayed int64 `json:"nextDelayed"`
}

var workOperations = map[string]operation{
	"moveToActive": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p fetchParams) (any, error) {
		return finishAndFetch(ctx, s, q, p.request())
	}),
	"moveToCompleted": ends(bullmq.OutcomeCompleted),
	"moveToFailed":    ends(bullmq.OutcomeFailed),
	"retryJob":        ends(bullmq.OutcomeRetry),
	"moveToDelayed": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p outcomeParams) (any, error) {
		// A delay that is due to a failure counts as an attempt.
		if p.Stacktrace != "" {
			return report(ctx, s, q, bullmq.OutcomeRetry, p)
		}
		return report(ctx, s, q, bullmq.OutcomeDelayed, p)
	}),
	"moveJobFromActiveToWait": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p outcomeParams) (any, error) {
		if _, err := report(ctx, s, q, bullmq.OutcomeReleased, p); err != nil {
			return nil, err
		}
		ttl, err := rateLimitTTL(ctx, s, q, 0)
		return max(ttl, 0), err
	}),
	"moveToWaitingChildren": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p outcomeParams) (any, error) {
		_, err := report(ctx, s, q, bullmq.OutcomeWaitingChildren, p)
		if errors.Is(err, bullmq.ErrNoPendingChildren) {
			return false, nil
		}
		return err == nil, err
	}),
	"extendLocks": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p extendLocksParams) (any, error) {
		if len(p.JobIDs) != len(p.Tokens) {
			return nil, fmt.Errorf("%d jobs but %d tokens", len(p.JobIDs), len(p.Tokens))
		}
		locks := make([]bullmq.JobLock, len(p.JobIDs))
		for i, id := range p.JobIDs {
			locks[i] = bullmq.JobLock{ID: id, Token: p.Tokens[i]}
		}
		lost, err := s.backend.ExtendLocks(ctx, q, locks, millis(p.Duration))
		return list(lost), err
	}),
	"moveStalledJobsToWait": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p moveStalledJobsToWaitParams) (any, error) {
		ids, err := s.backend.RecoverStalled(ctx, q, p.MaxStalledCount, millis(p.Interval))
		return list(ids), err
	}),
}

func ends(kind bullmq.OutcomeKind) operation {
	return on(func(ctx context.Context, s *session, q bullmq.QueueRef, p outcomeParams) (any, error) {
		return report(ctx, s, q, kind, p)
	})
}

func report(ctx context.Context, s *session, q bullmq.QueueRef, kind bullmq.OutcomeKind, p outcomeParams) (*fetched, error) {
	keep, err := decodeKeep(p.Keep)
	if err != nil {
		return nil, err
	}
	made, err := attemptsMade(ctx, s, q, p.JobID)
	if err != nil {
		return nil, err
	}
	req := p.request()
	req.Outcomes = []bullmq.Outcome{{
		Kind: kind, ID: p.JobID, Token: p.Token, ReturnValue: []byte(p.ReturnValue), FailedReason: p.FailedReason,
		Stacktrace: []byte(p.Stacktrace), Trace: p.Trace, Child: p.Child, Keep: keep, AttemptsMade: made + 1, Attempts: p.Attempts,
		LIFO: p.LIFO, Delay: millis(p.Delay),
	}}
	return finishAndFetch(ctx, s, q, req)
}

// attemptsMade is how many attempts have ended before the present one. Node
// leaves the count to its scripts; ours are told it by the worker.
func attemptsMade(ctx context.Context, s *session, q bullmq.QueueRef, id string) (int, error) {
	c := s.redis.Client()
	text, err := c.Do(ctx, c.B().Hget().Key(q.JobKey(id)).Field("atm").Build()).ToString()
	if rueidis.IsRedisNil(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// finishAndFetch reports at most one outcome and takes at most one job.
func finishAndFetch(ctx context.Context, s *session, q bullmq.QueueRef, req bullmq.WorkRequest) (*fetched, error) {
	got, err := s.backend.FinishAndFetch(ctx, q, req)
	if err != nil {
		return nil, err
	}
	out := &fetched{RateLimited: ceilMillis(got.RateLimited)}
	if !got.NextDelayed.IsZero() {
		out.NextDelayed = got.NextDelayed.UnixMilli()
	}
	if err := errors.Join(got.Errors...); err != nil {
		return nil, errors.Join(err, handBack(ctx, s, q, req.Token, got.Jobs))
	}
	if len(got.Jobs) > 0 {
		out.ID = got.Jobs[0].ID
		if out.Hash, err = jobHash(ctx, s, q, out.ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// handBack returns jobs that came with a refused report. The engine reports and
// fetches many at a time and lets one refusal stop nothing; for Node, whose
// command is about one job, a failed report fetches none.
func handBack(ctx context.Context, s *session, q bullmq.QueueRef, token string, jobs []*bullmq.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	req := bullmq.WorkRequest{}
	for _, job := range jobs {
		req.Outcomes = append(req.Outcomes, bullmq.Outcome{Kind: bullmq.OutcomeReleased, ID: job.ID, Token: token})
	}
	released, err := s.backend.FinishAndFetch(ctx, q, req)
	if err != nil {
		return err
	}
	return errors.Join(released.Errors...)
}

func ceilMillis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// jobHash is the job as it is stored, empty if there is none. Node decodes it by
// itself, with options that the engine has no use for.
func jobHash(ctx context.Context, s *session, q bullmq.QueueRef, id string) (map[string]string, error) {
	c := s.redis.Client()
	hash, err := c.Do(ctx, c.B().Hgetall().Key(q.JobKey(id)).Build()).AsStrMap()
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", id, err)
	}
	return hash, nil
}

// list makes sure that JSON has an array, not null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

type extendLocksParams struct {
	JobIDs   []string `json:"jobIds"`
	Tokens   []string `json:"tokens"`
	Duration float64  `json:"duration"`
}

type moveStalledJobsToWaitParams struct {
	MaxStalledCount int     `json:"maxStalledCount"`
	Interval        float64 `json:"interval"`
}
