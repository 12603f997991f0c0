package main

import (
	"context"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// fieldsParams name fields of a queue's metadata.
type fieldsParams struct {
	Fields []string `json:"fields"`
}

// What Node keeps in a queue's metadata is its own affair, so these operations
// read and write the fields as they are.
var metaOperations = map[string]operation{
	"setQueueMeta": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p setQueueMetaParams) (any, error) {
		c := s.redis.Client()
		command := c.B().Hset().Key(q.JobKey("meta")).FieldValue()
		for field, value := range p.Values {
			command = command.FieldValue(field, value)
		}
		return c.Do(ctx, command.Build()).AsInt64()
	}),
	"getQueueMeta": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		c := s.redis.Client()
		return c.Do(ctx, c.B().Hgetall().Key(q.JobKey("meta")).Build()).AsStrMap()
	}),
	"getQueueMetaFields": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p fieldsParams) (any, error) {
		c := s.redis.Client()
		values, err := c.Do(ctx, c.B().Hmget().Key(q.JobKey("meta")).Field(p.Fields...).Build()).ToArray()
		out := make([]*string, len(values))
		for i, v := range values {
			if text, err := v.ToString(); err == nil {
				out[i] = &text
			} else if !rueidis.IsRedisNil(err) {
				return nil, err
			}
		}
		return out, err
	}),
	"removeQueueMetaFields": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p fieldsParams) (any, error) {
		c := s.redis.Client()
		return c.Do(ctx, c.B().Hdel().Key(q.JobKey("meta")).Field(p.Fields...).Build()).AsInt64()
	}),
	"removeDeprecatedPriorityKey": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		c := s.redis.Client()
		return c.Do(ctx, c.B().Del().Key(q.JobKey("priority")).Build()).AsInt64()
	}),
}

type setQueueMetaParams struct {
	Values map[string]string `json:"values"`
}
