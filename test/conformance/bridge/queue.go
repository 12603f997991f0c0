package main

import (
	"context"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var queueOperations = map[string]operation{
	"pause": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p struct {
		Pause bool `json:"pause"`
	},
	) (any, error) {
		if p.Pause {
			return nil, s.backend.Pause(ctx, q)
		}
		return nil, s.backend.Resume(ctx, q)
	}),
}
