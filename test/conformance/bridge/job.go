package main

import (
	"context"
	"errors"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var jobOperations = map[string]operation{
	"getState": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
		return s.backend.JobState(ctx, q, p.JobID)
	}),
	"getJobData": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
		return jobHash(ctx, s, q, p.JobID)
	}),
	"isFinished": on(isFinished),
	"updateData": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p updateDataParams) (any, error) {
		return nil, s.backend.UpdateData(ctx, q, p.JobID, []byte(p.Data))
	}),
	"updateProgress": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p updateProgressParams) (any, error) {
		return nil, s.backend.UpdateProgress(ctx, q, p.JobID, []byte(p.Progress))
	}),
	"addLog": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p addLogParams) (any, error) {
		return s.backend.AddLog(ctx, q, p.JobID, p.Line, p.Keep)
	}),
	"clearLogs": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p clearLogsParams) (any, error) {
		return nil, s.backend.ClearLogs(ctx, q, p.JobID, p.Keep)
	}),
	"getJobLogs": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p getJobLogsParams) (any, error) {
		lines, count, err := s.backend.JobLogs(ctx, q, p.JobID, p.Start, p.End)
		return map[string]any{"logs": list(lines), "count": count}, err
	}),
	"retryFinishedJob": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p retryFinishedJobParams) (any, error) {
		return nil, s.backend.RetryFinished(ctx, q, p.JobID, p.State, bullmq.RetryOptions{
			ResetAttemptsMade: p.ResetAttemptsMade, ResetAttemptsStarted: p.ResetAttemptsStarted,
		})
	}),
	"promote": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
		return nil, s.backend.Promote(ctx, q, p.JobID)
	}),
	"changeDelay": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p changeDelayParams) (any, error) {
		return nil, s.backend.ChangeDelay(ctx, q, p.JobID, millis(p.Delay))
	}),
	"changePriority": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p changePriorityParams) (any, error) {
		return nil, s.backend.ChangePriority(ctx, q, p.JobID, p.Priority, p.LIFO)
	}),
	// remove answers whether the job is gone, which it is not if a worker has it.
	"remove": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p removeParams) (any, error) {
		err := s.backend.Remove(ctx, q, p.JobID, p.Children)
		switch {
		case errors.Is(err, bullmq.ErrJobLocked):
			return false, nil
		case errors.Is(err, bullmq.ErrJobNotFound):
			return true, nil
		}
		return err == nil, err
	}),
	// removeDeduplicationKey answers whether there was a key, with a job id whether
	// that job had it.
	"removeDeduplicationKey": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p deduplicationParams) (any, error) {
		return s.backend.RemoveDeduplicationKey(ctx, q, p.ID, p.JobID)
	}),
	"getDeduplicationJobId": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p deduplicationParams) (any, error) {
		return s.backend.DeduplicationJobID(ctx, q, p.ID)
	}),
}

type deduplicationParams struct {
	jobParams
	ID string `json:"id"`
}

// ending is how a job ended: its result, as JSON, or its failure's reason.
type ending struct {
	State bullmq.JobState `json:"state"`
	Value *string         `json:"value,omitempty"`
}

func isFinished(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
	state, err := s.backend.JobState(ctx, q, p.JobID)
	if err != nil {
		return nil, err
	}
	hash, err := jobHash(ctx, s, q, p.JobID)
	if err != nil {
		return nil, err
	}
	if len(hash) == 0 {
		return ending{State: bullmq.StateUnknown}, nil
	}
	out := ending{State: state}
	field := map[bullmq.JobState]string{bullmq.StateCompleted: "returnvalue", bullmq.StateFailed: "failedReason"}[state]
	if value, ok := hash[field]; ok {
		out.Value = &value
	}
	return out, nil
}

type updateDataParams struct {
	jobParams
	Data string `json:"data"`
}

type updateProgressParams struct {
	jobParams
	Progress string `json:"progress"`
}

type addLogParams struct {
	jobParams
	Line string `json:"line"`
	Keep int    `json:"keep"`
}

type clearLogsParams struct {
	jobParams
	Keep int `json:"keep"`
}

type getJobLogsParams struct {
	jobParams
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

type retryFinishedJobParams struct {
	jobParams
	State                bullmq.JobState `json:"state"`
	ResetAttemptsMade    bool            `json:"resetAttemptsMade"`
	ResetAttemptsStarted bool            `json:"resetAttemptsStarted"`
}

type changeDelayParams struct {
	jobParams
	Delay float64 `json:"delay"`
}

type changePriorityParams struct {
	jobParams
	Priority int  `json:"priority"`
	LIFO     bool `json:"lifo"`
}

type removeParams struct {
	jobParams
	Children bool `json:"children"`
}
