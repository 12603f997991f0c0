package conformance

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var goWorking = map[string]goOperation{
	"fetch":    with(fetch),
	"complete": with(complete),
	"fail":     with(fail),
	"moveToDelayed": with(func(ctx context.Context, s *goStep, a struct {
		workerArgs
		Delay ms `json:"delay"`
	},
	) (any, error) {
		if job, ok := s.held(ctx, a.workerArgs); ok {
			return nil, job.MoveToDelayed(ctx, s.clock().Add(a.Delay.duration()))
		}
		delay := max(a.Delay.duration(), time.Millisecond)
		return nil, s.report(ctx, a.workerArgs, bullmq.Outcome{Kind: bullmq.OutcomeDelayed, Delay: delay})
	}),
	"moveToWait": with(func(ctx context.Context, s *goStep, a workerArgs) (any, error) {
		if job, ok := s.held(ctx, a); ok {
			return nil, job.MoveToWait(ctx)
		}
		return nil, s.report(ctx, a, bullmq.Outcome{Kind: bullmq.OutcomeReleased})
	}),
	"moveToWaitingChildren": with(func(ctx context.Context, s *goStep, a workerArgs) (any, error) {
		if job, ok := s.held(ctx, a); ok {
			return job.MoveToWaitingChildren(ctx)
		}
		err := s.report(ctx, a, bullmq.Outcome{Kind: bullmq.OutcomeWaitingChildren})
		if errors.Is(err, bullmq.ErrNoPendingChildren) {
			return false, nil
		}
		return err == nil, err
	}),
	"extendLock": with(func(ctx context.Context, s *goStep, a struct {
		workerArgs
		Duration ms `json:"duration"`
	},
	) (any, error) {
		if job, ok := s.held(ctx, a.workerArgs); ok {
			err := job.ExtendLock(ctx, a.Duration.duration())
			if errors.Is(err, bullmq.ErrLockMissing) {
				return 0, nil
			}
			return 1, err
		}
		lost, err := s.redis.ExtendLocks(ctx, s.ref(), []bullmq.JobLock{{ID: a.ID, Token: a.Token}}, a.Duration.duration())
		return 1 - len(lost), err
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
		o, err := a.options()
		if err != nil {
			return nil, err
		}
		count := 1
		if o.MaxStalledCount != nil {
			count = *o.MaxStalledCount
		}
		interval := cmp.Or(o.StalledInterval, 30_000).duration()
		ids, err := s.redis.RecoverStalled(ctx, s.ref(), count, interval)
		return append([]string{}, ids...), err
	}),
}

// report tells the store where a job goes that this engine has not taken.
func (s *goStep) report(ctx context.Context, a workerArgs, o bullmq.Outcome) error {
	o.ID, o.Token = a.ID, a.Token
	_, err := s.finish(ctx, a, o)
	return err
}
