package handler

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Context is what a handler has while it runs one attempt of a job. It ends
// when the attempt has timed out, was cancelled, or the worker shuts down.
//
// Its methods are safe for concurrent use, and do nothing once the handler has
// returned.
type Context interface {
	context.Context

	// Job returns the job being run.
	Job() *Job
	// Progress reports how far the job is: any value that JSON can hold, by
	// convention a percentage or an object. It does not block; of values reported
	// in quick succession, only the last is sure to be stored.
	Progress(value any)
	// Log appends a line to the job's log. It does not block.
	Log(line string)
	// Logf is Log with a format, as [fmt.Sprintf] has it.
	Logf(format string, args ...any)
	// ChildrenValues returns the results of the job's completed children by
	// their job keys, "<prefix>:<queue>:<id>".
	ChildrenValues() (map[string]json.RawMessage, error)
}

// Job is what a handler sees of its job.
type Job struct {
	// ID is unique in the queue.
	ID string `json:"id"`
	// Queue is the queue's name without its prefix.
	Queue string `json:"queue"`
	// Prefix is the queue's key prefix.
	Prefix string `json:"prefix"`
	// Name is the job's name, which chose the handler.
	Name string `json:"name"`
	// Data is what the producer gave, as JSON.
	Data json.RawMessage `json:"data"`
	// Attempt counts the attempts from 1, MaxAttempts is how many there may be.
	Attempt     int `json:"attempt"`
	MaxAttempts int `json:"maxAttempts"`
	// Priority is the job's current priority, 0 for none.
	Priority int `json:"priority"`
	// Timestamp is when the job was created.
	Timestamp time.Time `json:"-"`
	// Parent names the job that waits for this one. Nil without one.
	Parent *bullmq.ParentRef `json:"parent,omitempty"`
}
