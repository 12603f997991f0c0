package board

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func (b *Board) addJob(c *call) (any, error) {
	in := struct {
		Name    string            `json:"name"`
		Data    json.RawMessage   `json:"data"`
		Options bullmq.JobOptions `json:"options"`
	}{Data: json.RawMessage("{}")}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	// Only a scheduler may say that a job is one of its runs.
	in.Options.Repeat = nil
	if p := in.Options.Parent; p != nil {
		if ref, ok := bullmq.ParseQueueRef(p.Queue); !ok || ref.Prefix != b.opts.Prefix || !c.principal.SeesQueue(ref.Name) {
			return nil, refuse(http.StatusNotFound, keyQueueNotFound)
		}
	}
	job, err := c.queue.Add(c.ctx, in.Name, in.Data, &in.Options)
	if err != nil {
		return nil, err
	}
	if job, err = c.queue.Job(c.ctx, job.ID); err != nil {
		return nil, err
	}
	return answerJob(c, job)
}

func (b *Board) retryJob(c *call) (any, error) {
	state, err := c.job.State(c.ctx)
	if err != nil {
		return nil, err
	}
	if state == bullmq.StateCompleted || state == bullmq.StateFailed {
		err = c.job.Retry(c.ctx, nil)
	}
	if errors.Is(err, bullmq.ErrNotInState) || state != bullmq.StateCompleted && state != bullmq.StateFailed {
		return nil, invalid(keyJobNotRetriable, map[string]any{"state": state})
	}
	return nil, err
}

func (b *Board) removeJob(c *call) (any, error) {
	err := c.job.Remove(c.ctx, nil)
	if errors.Is(err, bullmq.ErrJobBelongsToScheduler) {
		return nil, belongsToScheduler(c.job)
	}
	return nil, err
}

// belongsToScheduler tells the page to offer the scheduler's removal instead.
func belongsToScheduler(j *bullmq.Job) error {
	id := j.RepeatJobKey
	if id == "" {
		id, _, _ = strings.Cut(strings.TrimPrefix(j.ID, "repeat:"), ":")
	}
	e := refuse(http.StatusBadRequest, keyJobOfScheduler)
	e.body.Code, e.body.JobSchedulerID = strings.TrimPrefix(keyJobOfScheduler, "ERRORS."), id
	e.body.Message = errorKey{keyJobOfScheduler + "_DETAILS", map[string]any{"jobId": j.ID, "jobSchedulerId": id}}
	return e
}

func (b *Board) promoteJob(c *call) (any, error) {
	return nil, b.delayedOnly(c, c.job.Promote(c.ctx))
}

func (b *Board) updateData(c *call) (any, error) {
	var in struct {
		JobData json.RawMessage `json:"jobData"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.JobData == nil {
		in.JobData = json.RawMessage("null")
	}
	return empty{}, c.job.UpdateData(c.ctx, in.JobData)
}

func (b *Board) changeDelay(c *call) (any, error) {
	var in struct {
		RunAt *float64 `json:"runAt"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	const lastDate = 8.64e15 // of JavaScript, in ms
	if in.RunAt == nil || *in.RunAt < 0 || *in.RunAt > lastDate {
		return nil, invalid(keyInvalidRunAt, nil)
	}
	delay := max(0, time.Until(time.UnixMilli(int64(*in.RunAt))))
	return empty{}, b.delayedOnly(c, c.job.ChangeDelay(c.ctx, delay))
}

// delayedOnly explains that only a delayed job can be promoted or put off.
func (b *Board) delayedOnly(c *call, err error) error {
	if !errors.Is(err, bullmq.ErrNotInState) {
		return err
	}
	state, stateErr := c.job.State(c.ctx)
	if stateErr != nil {
		return stateErr
	}
	return invalid(keyJobNotDelayed, map[string]any{"status": state})
}

func (b *Board) changePriority(c *call) (any, error) {
	var in struct {
		Priority *float64 `json:"priority"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	p := in.Priority
	if p == nil || *p < 0 || *p > bullmq.MaxPriority || *p != math.Trunc(*p) {
		return nil, invalid(keyInvalidPriority, map[string]any{"max": bullmq.MaxPriority})
	}
	return empty{}, c.job.ChangePriority(c.ctx, int(*p), false)
}

func (b *Board) pauseQueue(c *call) (any, error)  { return empty{}, c.queue.Pause(c.ctx) }
func (b *Board) resumeQueue(c *call) (any, error) { return empty{}, c.queue.Resume(c.ctx) }

func (b *Board) pauseAll(c *call) (any, error)  { return empty{}, b.setPaused(c, true) }
func (b *Board) resumeAll(c *call) (any, error) { return empty{}, b.setPaused(c, false) }

// setPaused pauses or resumes every queue the principal sees that is not in
// that state already.
func (b *Board) setPaused(c *call, paused bool) error {
	all, err := b.lookAround(c.ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s queueState) bool {
		return s.meta.Paused == paused || !c.principal.SeesQueue(s.ref.Name)
	})
	return inParallel(c.ctx, all, func(ctx context.Context, s queueState) error {
		if paused {
			return b.opts.Redis.Pause(ctx, s.ref)
		}
		return b.opts.Redis.Resume(ctx, s.ref)
	})
}
