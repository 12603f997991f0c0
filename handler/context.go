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
	// FailedChildren returns the reasons of the children that failed and whose
	// failure the job was told to ignore, by their job keys.
	FailedChildren() (map[string]string, error)
	// Dependencies counts the job's children by how they stand.
	Dependencies() (bullmq.DependencyCounts, error)
	// AddChildren adds jobs as children of this one, all or none, and returns
	// where they are, in the same order. To wait for them, return
	// [bullmq.WaitForChildren]; the handler runs again when they have ended.
	AddChildren(jobs ...NewJob) ([]AddedJob, error)
	// AddJobs adds jobs that have nothing further to do with this one, all or
	// none, and returns where they are, in the same order.
	AddJobs(jobs ...NewJob) ([]AddedJob, error)

	// State returns what an earlier attempt of the job, or this one, has saved,
	// and nil if nothing was. Handlers keep in it how far they have come, so that
	// a further attempt need not begin at the beginning.
	State() (json.RawMessage, error)
	// SaveState keeps a value as JSON for the job's further attempts, in place of
	// the one before: at most [MaxStateBytes], for up to [StateTTL] after the last
	// save, and no longer than until the job completes or fails for good. It is
	// stored when SaveState returns.
	SaveState(value any) error
	// UpdateData replaces the job's data. Attempts to come see the new data; what
	// Job returns does not change.
	UpdateData(value any) error
}

const (
	// MaxStateBytes bounds what [Context.SaveState] keeps, as JSON.
	MaxStateBytes = 1 << 20
	// StateTTL is how long a saved state outlives the last attempt that saved it.
	StateTTL = 7 * 24 * time.Hour
)

// NewJob is a job for a handler to add.
type NewJob struct {
	// Name chooses the handler that runs the job.
	Name string `json:"name"`
	// Data is the job's data, anything that encodes as JSON. Nil stands for {}.
	Data any `json:"data,omitempty"`
	// Queue is the queue the job goes to, under the prefix of the running job's.
	// Defaults to the running job's queue.
	Queue string `json:"queue,omitempty"`
	// Opts say how the job is run. Nil takes the defaults.
	Opts *bullmq.JobOptions `json:"opts,omitempty"`
}

// AddedJob tells where a job is that a handler has added.
type AddedJob struct {
	ID string `json:"id"`
	// Queue is the queue's name without its prefix.
	Queue string `json:"queue"`
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
	// Opts are the options the job was added with.
	Opts bullmq.JobOptions `json:"opts"`
	// Attempt counts the attempts from 1, MaxAttempts is how many there may be.
	Attempt     int `json:"attempt"`
	MaxAttempts int `json:"maxAttempts"`
	// AttemptsStarted counts the attempts that began, this one included. Unlike
	// Attempt it also counts those that put the job back or were cut off.
	AttemptsStarted int `json:"attemptsStarted"`
	// Priority is the job's current priority, 0 for none.
	Priority int `json:"priority"`
	// Timestamp is when the job was created.
	Timestamp time.Time `json:"-"`
	// Parent names the job that waits for this one. Nil without one.
	Parent *bullmq.ParentRef `json:"parent,omitempty"`
}
