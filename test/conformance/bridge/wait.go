package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// preparation does the part of a waiting request that must come in order, and
// returns the part that waits.
type preparation func(ctx context.Context, s *session, q bullmq.QueueRef, params json.RawMessage) (func(context.Context) (any, error), error)

// errInterrupted has the text by which BullMQ's worker knows that its wait was
// ended on purpose.
var errInterrupted = errors.New("Connection is closed.") //nolint:revive,staticcheck // BullMQ's text

var waitingOperations = map[string]preparation{
	"waitForJob": waitForJob,
	"readEvents": readEvents,
}

// waitForJob answers with when the next delayed job is due, in epoch ms, or with
// null if that is unknown.
func waitForJob(_ context.Context, s *session, _ bullmq.QueueRef, params json.RawMessage) (func(context.Context) (any, error), error) {
	var p struct {
		Timeout float64 `json:"timeout"` // ms
	}
	if err := decodeParams(params, &p); err != nil {
		return nil, err
	}
	w := s.currentWaiter()
	return func(ctx context.Context) (any, error) {
		if w == nil {
			return nil, errInterrupted
		}
		due, err := w.Wait(ctx, time.Duration(p.Timeout*float64(time.Millisecond)))
		if err != nil && s.currentWaiter() != w {
			return nil, errInterrupted
		}
		if err != nil || due.IsZero() {
			return nil, err
		}
		return due.UnixMilli(), nil
	}, nil
}

// streamEntry is an event as Redis gives it: its id, and its fields flat.
type streamEntry struct {
	ID     string   `json:"id"`
	Fields []string `json:"fields"`
}

func readEvents(ctx context.Context, s *session, q bullmq.QueueRef, params json.RawMessage) (func(context.Context) (any, error), error) {
	var p struct {
		After   string  `json:"after"`
		Timeout float64 `json:"timeout"` // ms
	}
	if err := decodeParams(params, &p); err != nil {
		return nil, err
	}
	if s.backend == nil {
		return nil, errNotOpen
	}
	// "$" is what has happened by now, not by when the connection is there.
	if p.After == "$" {
		ids, err := s.backend.LastEventIDs(ctx, []bullmq.QueueRef{q})
		if err != nil {
			return nil, err
		}
		p.After = ids[0]
	}
	source := s.eventSource()
	return func(ctx context.Context) (any, error) {
		events, err := source.Read(ctx, map[bullmq.QueueRef]string{q: p.After}, time.Duration(p.Timeout*float64(time.Millisecond)))
		if err != nil {
			return nil, err
		}
		entries := make([]streamEntry, len(events))
		for i, e := range events {
			entries[i].ID = e.ID
			for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
				entries[i].Fields = append(entries[i].Fields, name, e.Fields[name])
			}
		}
		return entries, nil
	}, nil
}
