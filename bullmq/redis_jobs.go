package bullmq

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// Job implements [Backend].
func (r *Redis) Job(ctx context.Context, q QueueRef, id string) (*Job, error) {
	if err := checkJobID(q, id); err != nil {
		return nil, err
	}
	jobs, err := r.Jobs(ctx, q, []string{id})
	if err != nil {
		return nil, err
	}
	if len(jobs) == 0 {
		return nil, fmt.Errorf("job %s of queue %s: %w", id, q.Name, ErrJobNotFound)
	}
	return jobs[0], nil
}

// Jobs implements [Backend]. Ids without a job are left out.
func (r *Redis) Jobs(ctx context.Context, q QueueRef, ids []string) ([]*Job, error) {
	commands := make(rueidis.Commands, len(ids))
	for i, id := range ids {
		commands[i] = r.client.B().Hgetall().Key(q.key(id)).Build()
	}
	jobs := make([]*Job, 0, len(ids))
	replies := r.client.DoMulti(ctx, commands...)
	for i, id := range ids {
		hash, err := replies[i].AsStrMap()
		if err != nil {
			return nil, fmt.Errorf("read job %s: %w", id, err)
		}
		if len(hash) > 0 {
			job := decodeJobMap(r, q, id, hash)
			job.checkData()
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// JobState implements [Backend].
func (r *Redis) JobState(ctx context.Context, q QueueRef, id string) (JobState, error) {
	if !canBeJobID(id) {
		return StateUnknown, nil
	}
	state, err := r.run(ctx, jobStateScript, q, id).ToString()
	if err != nil {
		return StateUnknown, fmt.Errorf("state of job %s: %w", id, err)
	}
	if state == "wait" || state == "paused" {
		return StateWaiting, nil
	}
	return JobState(state), nil
}

// UpdateData implements [Backend].
func (r *Redis) UpdateData(ctx context.Context, q QueueRef, id string, data []byte) error {
	_, err := r.runCode(ctx, updateJobScript, "update data of", q, id, "data", rueidis.BinaryString(data), "")
	return err
}

// UpdateProgress implements [Backend].
func (r *Redis) UpdateProgress(ctx context.Context, q QueueRef, id string, progress []byte) error {
	_, err := r.runCode(ctx, updateJobScript, "update progress of", q, id, "progress", rueidis.BinaryString(progress), "1")
	return err
}

// AddLog implements [Backend].
func (r *Redis) AddLog(ctx context.Context, q QueueRef, id, line string, keep int) (int64, error) {
	return r.runCode(ctx, addLogScript, "log to", q, id, line, strconv.Itoa(keep))
}

// ClearLogs implements [Backend].
func (r *Redis) ClearLogs(ctx context.Context, q QueueRef, id string, keep int) error {
	_, err := r.runCode(ctx, clearLogsScript, "clear the logs of", q, id, strconv.Itoa(keep))
	return err
}

// JobLogs implements [Backend].
func (r *Redis) JobLogs(ctx context.Context, q QueueRef, id string, start, end int64) ([]string, int64, error) {
	key := q.key(id) + ":logs"
	replies := r.client.DoMulti(ctx,
		r.client.B().Lrange().Key(key).Start(start).Stop(end).Build(),
		r.client.B().Llen().Key(key).Build())
	lines, err := replies[0].AsStrSlice()
	if err != nil {
		return nil, 0, fmt.Errorf("logs of job %s: %w", id, err)
	}
	count, err := replies[1].AsInt64()
	return lines, count, err
}

// RetryFinished implements [Backend].
func (r *Redis) RetryFinished(ctx context.Context, q QueueRef, id string, from JobState, opts RetryOptions) error {
	switch from {
	case StateCompleted, StateFailed:
	case StateUnknown:
		return fmt.Errorf("retry job %s: %w", id, ErrJobNotFound)
	default:
		return fmt.Errorf("retry job %s, which is %s: %w", id, from, ErrNotInState)
	}
	_, err := r.runCode(ctx, retryJobScript, "retry", q, id, string(from),
		flag(opts.LIFO), flag(opts.ResetAttemptsMade), flag(opts.ResetAttemptsStarted))
	return err
}

// Promote implements [Backend].
func (r *Redis) Promote(ctx context.Context, q QueueRef, id string) error {
	_, err := r.runCode(ctx, promoteJobScript, "promote", q, id)
	return err
}

// ChangeDelay implements [Backend].
func (r *Redis) ChangeDelay(ctx context.Context, q QueueRef, id string, delay time.Duration) error {
	_, err := r.runCode(ctx, changeDelayScript, "change delay of", q, id, formatDuration(delay), r.now())
	return err
}

// ChangePriority implements [Backend].
func (r *Redis) ChangePriority(ctx context.Context, q QueueRef, id string, priority int, lifo bool) error {
	_, err := r.runCode(ctx, changePriorityScript, "change priority of", q, id, strconv.Itoa(priority), flag(lifo))
	return err
}

// Remove implements [Backend]. Of a large family some children go with each call.
func (r *Redis) Remove(ctx context.Context, q QueueRef, id string, children bool) error {
	const removed, more = 1, 2
	for code := int64(removed); ; {
		var err error
		code, err = r.runCode(ctx, removeJobScript, "remove", q, id, flag(children), flag(code == more))
		switch {
		case err != nil:
			return err
		case code == removed:
			return nil
		case code != more:
			return fmt.Errorf("remove job %s: %w", id, ErrJobLocked)
		}
	}
}

// RemoveDeduplicationKey implements [Backend].
func (r *Redis) RemoveDeduplicationKey(ctx context.Context, q QueueRef, deduplicationID, jobID string) (bool, error) {
	var result rueidis.RedisResult
	if jobID == "" {
		result = r.client.Do(ctx, r.client.B().Del().Key(q.key("de:"+deduplicationID)).Build())
	} else {
		result = r.run(ctx, removeDedupKeyScript, q, deduplicationID, jobID)
	}
	n, err := result.AsInt64()
	if err != nil {
		return false, fmt.Errorf("remove deduplication key %s: %w", deduplicationID, err)
	}
	return n > 0, nil
}

// DeduplicationJobID implements [Backend].
func (r *Redis) DeduplicationJobID(ctx context.Context, q QueueRef, deduplicationID string) (string, error) {
	id, err := r.client.Do(ctx, r.client.B().Get().Key(q.key("de:"+deduplicationID)).Build()).ToString()
	if rueidis.IsRedisNil(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("job of deduplication id %s: %w", deduplicationID, err)
	}
	return id, nil
}
