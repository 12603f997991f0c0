package main

import (
	"context"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var stubOperations = map[string]operation{
	"obliterate": on(func(ctx context.Context, s *session, q bullmq.QueueRef, _ none) (any, error) {
		c := s.redis.Client()
		keys, err := c.Do(ctx, c.B().Keys().Pattern(q.JobKey("*")).Build()).AsStrSlice()
		if err != nil || len(keys) == 0 {
			return nil, err
		}
		return nil, c.Do(ctx, c.B().Del().Key(keys...).Build()).Error()
	}),
	"getDependencyCounts": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p struct {
		jobParams
		Types []string `json:"types"`
	},
	) (any, error) {
		d, err := s.backend.Dependencies(ctx, q, p.JobID)
		if err != nil {
			return nil, err
		}
		n := map[string]int{"processed": len(d.Processed), "unprocessed": len(d.Unprocessed), "ignored": len(d.Ignored), "failed": len(d.Failed)}
		out := []int{}
		for _, t := range p.Types {
			out = append(out, n[t])
		}
		return out, nil
	}),
}
