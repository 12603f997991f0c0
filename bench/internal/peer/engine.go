// Package peer runs the engines that are compared. Each has a producer and a
// worker, processes of their own that take commands over stdin, so that no
// engine's memory, garbage or compiled code is another's.
package peer

import (
	"context"
	"errors"
	"strings"
	"time"
)

// QueueName is the queue that every engine uses.
const QueueName = "bench"

const jobName = "noop"

// Job is what an engine is to add.
type Job struct {
	Data Data
	// Delay is how long the job waits at least.
	Delay time.Duration
	// Priority is 0 for none, else 1 or more, the most urgent first.
	Priority int
	// Children are added with the job, which waits for them.
	Children []Job
}

// Data is the data of every job, whichever engine carries it.
type Data struct {
	Index   int    `json:"index"`
	Payload string `json:"payload"`
	// Due is when the job should have been added, in µs since the epoch; 0 if
	// that does not matter.
	Due int64 `json:"due,omitempty"`
}

// WorkOptions say how an engine is to work.
type WorkOptions struct {
	Concurrency int
	Limit       Limit
	// Echo makes each job's data its result. Only the engines with BullMQ's format
	// know it.
	Echo bool
}

// Limit lets Max jobs start in Duration; a Max of 0 means no limit.
type Limit struct {
	Max      int           `json:"max"`
	Duration time.Duration `json:"duration"`
}

// Engine is an engine written in Go, inside its own process.
type Engine interface {
	Add(ctx context.Context, job Job) error
	// AddBulk adds jobs in one call, or as few as the engine knows.
	AddBulk(ctx context.Context, jobs []Job) error
	// Work starts a worker that hands each job's data to handle. Stop waits for
	// the jobs that run.
	Work(ctx context.Context, opts WorkOptions, handle func(data []byte) error) (stop func() error, err error)
	Close() error
}

var errNotOffered = errors.New("the engine has no such operation")

// Batch describes jobs to be made.
type Batch struct {
	Jobs  int  `json:"jobs"`
	First int  `json:"first"`
	Bytes int  `json:"bytes"`
	Kind  Kind `json:"kind"`
}

// Kind is what sets the jobs of a batch apart from plain ones.
type Kind string

// The kinds of jobs.
const (
	Plain Kind = ""
	// Delayed jobs become due one after the other within a second.
	Delayed Kind = "delayed"
	// Prioritized jobs have one of a thousand priorities.
	Prioritized Kind = "prioritized"
	// Flow makes trees of one parent and FlowChildren children.
	Flow Kind = "flow"
)

// FlowChildren is how many children each parent of a flow has.
const FlowChildren = 4

// DelaySpread is the longest delay of delayed jobs.
const DelaySpread = time.Second

// payloadFor fills a job's data up to about the given size as JSON.
func payloadFor(bytes int) string {
	const around = len(`{"index":10000,"payload":""}`)
	return strings.Repeat("x", max(bytes-around, 0))
}

// job makes the job of an index.
func (b Batch) job(index int, payload string) Job {
	job := Job{Data: Data{Index: index, Payload: payload}}
	switch b.Kind {
	case Plain:
	case Delayed:
		job.Delay = time.Duration(1+index%int(DelaySpread.Milliseconds())) * time.Millisecond
	case Prioritized:
		job.Priority = 1 + index%1000
	case Flow:
		for i := range FlowChildren {
			job.Children = append(job.Children, Job{Data: Data{Index: index + 1 + i, Payload: payload}})
		}
	}
	return job
}

// step is how many indexes one added job takes.
func (b Batch) step() int {
	if b.Kind == Flow {
		return 1 + FlowChildren
	}
	return 1
}
