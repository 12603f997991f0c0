package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var schedulerOperations = map[string]operation{
	"addJobScheduler":              on(addJobScheduler),
	"updateJobSchedulerNextMillis": on(updateJobScheduler),
	// removeJobScheduler answers whether there was none.
	"removeJobScheduler": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p schedulerParams) (any, error) {
		err := s.backend.RemoveScheduler(ctx, q, p.ID)
		if errors.Is(err, bullmq.ErrSchedulerNotFound) {
			return true, nil
		}
		return false, err
	}),
	"getJobSchedulerData": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p schedulerParams) (any, error) {
		c := s.redis.Client()
		return c.Do(ctx, c.B().Hgetall().Key(q.JobKey("repeat:"+p.ID)).Build()).AsStrMap()
	}),
	"getJobSchedulerNext": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p schedulerParams) (any, error) {
		c := s.redis.Client()
		score, err := c.Do(ctx, c.B().Zscore().Key(q.JobKey("repeat")).Member(p.ID).Build()).ToString()
		if rueidis.IsRedisNil(err) {
			return nil, nil
		}
		return score, err
	}),
	"getJobSchedulersRange": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p getJobSchedulersRangeParams) (any, error) {
		c := s.redis.Client()
		command := c.B().Zrange().Key(q.JobKey("repeat")).Min(strconv.FormatInt(p.Start, 10)).Max(strconv.FormatInt(p.End, 10))
		built := command.Withscores().Build()
		if !p.Asc {
			built = c.B().Zrange().Key(q.JobKey("repeat")).Min(strconv.FormatInt(p.Start, 10)).Max(strconv.FormatInt(p.End, 10)).
				Rev().Withscores().Build()
		}
		scores, err := c.Do(ctx, built).AsZScores()
		out := make([]string, 0, 2*len(scores))
		for _, m := range scores {
			out = append(out, m.Member, strconv.FormatFloat(m.Score, 'f', -1, 64))
		}
		return out, err
	}),
	"getJobSchedulersCount": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		return s.backend.SchedulerCount(ctx, q)
	}),
}

type schedulerParams struct {
	ID string `json:"id"`
}

// upsertParams are those of BullMQ's two ways to plan a scheduler's next job.
// Texts are JSON; options are in the form that is stored.
type upsertParams struct {
	schedulerParams
	Next         *float64             `json:"next"` // epoch ms
	Name         string               `json:"name"`
	Repeat       bullmq.RepeatOptions `json:"repeat"`
	Data         string               `json:"data"`
	TemplateOpts string               `json:"templateOpts"`
	JobOpts      json.RawMessage      `json:"jobOpts"`
	ProducerID   string               `json:"producerId"`
}

func (p *upsertParams) next() time.Time {
	if p.Next == nil {
		return time.Time{}
	}
	return epoch(*p.Next)
}

// jobOptions are those of the job to be planned, which say how it repeats even
// if the client leaves that out.
func (p *upsertParams) jobOptions() (bullmq.JobOptions, error) {
	var opts bullmq.JobOptions
	if err := json.Unmarshal(p.JobOpts, &opts); err != nil {
		return opts, err
	}
	if opts.Repeat == nil {
		opts.Repeat = &p.Repeat
	}
	return opts, nil
}

// planned is the job that a scheduler added.
type planned struct {
	ID    string `json:"id"`
	Delay int64  `json:"delay"` // ms
}

// errSlotsTaken is what BullMQ tells apart from the one slot of a pattern that
// is taken.
var errSlotsTaken = errors.New("all of the next slots are taken")

func addJobScheduler(ctx context.Context, s *session, q bullmq.QueueRef, p upsertParams) (any, error) {
	opts, err := p.jobOptions()
	if err != nil {
		return nil, err
	}
	id, err := s.backend.UpsertScheduler(ctx, q, bullmq.SchedulerUpsert{
		ID: p.ID, Name: p.Name, Repeat: p.Repeat, Next: p.next(), Now: s.clock(),
		Data: []byte(p.Data), TemplateOpts: []byte(p.TemplateOpts), JobOpts: opts,
	})
	if errors.Is(err, bullmq.ErrSchedulerSlotTaken) && p.Repeat.Every > 0 {
		return nil, errSlotsTaken
	}
	if err != nil {
		return nil, err
	}
	job, err := jobHash(ctx, s, q, id)
	if err != nil {
		return nil, err
	}
	delay, err := strconv.ParseInt(job["delay"], 10, 64)
	return planned{ID: id, Delay: delay}, err
}

// updateJobScheduler answers with the id of the next job, or null if there is
// none to be had.
func updateJobScheduler(ctx context.Context, s *session, q bullmq.QueueRef, p upsertParams) (any, error) {
	opts, err := p.jobOptions()
	if err != nil {
		return nil, err
	}
	id, err := s.backend.NextSchedulerJob(ctx, q, bullmq.SchedulerIteration{
		ID: p.ID, ProducerID: p.ProducerID, Next: p.next(), Now: s.clock(), JobOpts: opts,
	})
	if err != nil || id == "" {
		return nil, err
	}
	return id, nil
}

type getJobSchedulersRangeParams struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	Asc   bool  `json:"asc"`
}
