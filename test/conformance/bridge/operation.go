package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// operation carries out one kind of request. The result is what JSON makes of it.
type operation func(ctx context.Context, s *session, q bullmq.QueueRef, params json.RawMessage) (any, error)

// operations are the requests that are carried out in order, by method.
var operations = collect(sessionOperations, addOperations, workOperations, jobOperations,
	readOperations, queueOperations, childOperations, schedulerOperations, metaOperations)

func collect(groups ...map[string]operation) map[string]operation {
	all := map[string]operation{}
	for _, g := range groups {
		maps.Copy(all, g)
	}
	return all
}

// on makes an operation of a function that takes its parameters decoded and
// needs an open session.
func on[P any](run func(ctx context.Context, s *session, q bullmq.QueueRef, p P) (any, error)) operation {
	return func(ctx context.Context, s *session, q bullmq.QueueRef, params json.RawMessage) (any, error) {
		if s.backend == nil {
			return nil, errNotOpen
		}
		var p P
		if err := decodeParams(params, &p); err != nil {
			return nil, err
		}
		return run(ctx, s, q, p)
	}
}

func decodeParams(params json.RawMessage, into any) error {
	if len(params) == 0 {
		return nil
	}
	if err := json.Unmarshal(params, into); err != nil {
		return fmt.Errorf("params: %w", err)
	}
	return nil
}

// none stands for an operation without parameters.
type none struct{}

// jobParams name a job.
type jobParams struct {
	JobID string `json:"jobId"`
}

var sessionOperations = map[string]operation{
	"open": func(ctx context.Context, s *session, q bullmq.QueueRef, params json.RawMessage) (any, error) {
		var p struct {
			// Worker is the name of the worker that will wait on this session, which
			// may be empty. Absent without one.
			Worker *string `json:"worker"`
		}
		if err := decodeParams(params, &p); err != nil {
			return nil, err
		}
		return nil, s.open(ctx, q, p.Worker)
	},
	"setName": on(func(ctx context.Context, s *session, _ bullmq.QueueRef, p setNameParams) (any, error) {
		return nil, s.setName(ctx, p.Name)
	}),
	"disconnectBlocking": on(func(_ context.Context, s *session, _ bullmq.QueueRef, _ none) (any, error) {
		s.disconnect()
		return nil, nil
	}),
	"reconnectBlocking": on(func(ctx context.Context, s *session, _ bullmq.QueueRef, _ none) (any, error) {
		return nil, s.reconnect(ctx)
	}),
}

type setNameParams struct {
	Name string `json:"name"`
}
