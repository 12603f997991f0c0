// Package handlertest lets handlers in Go be tested without a worker and
// without Redis:
//
//	ctx := handlertest.New(t.Context(), handler.Job{Data: json.RawMessage(`{"name":"Ada"}`)})
//	result, err := greet.Run(ctx)
package handlertest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// Context is a [handler.Context] that answers from its fields and keeps what the
// handler reports. It is safe for concurrent use; its fields are for before the
// handler runs.
type Context struct {
	context.Context

	// Children are the results of the job's children, Failed the reasons of those
	// that failed and were ignored, both by job key.
	Children map[string]json.RawMessage
	Failed   map[string]string
	// Counts are what Dependencies returns.
	Counts bullmq.DependencyCounts

	job *handler.Job

	mu       sync.Mutex
	progress []json.RawMessage // guarded by mu
	logs     []string          // guarded by mu
	state    json.RawMessage   // guarded by mu
	data     json.RawMessage   // guarded by mu; nil if it was not updated
	children []handler.NewJob  // guarded by mu
	jobs     []handler.NewJob  // guarded by mu
}

var _ handler.Context = (*Context)(nil)

// New returns the context of one attempt of a job. What the job leaves out gets
// plain values: id "1", queue "test", the first of one attempt.
func New(ctx context.Context, job handler.Job) *Context {
	job.ID = cmp.Or(job.ID, "1")
	job.Queue = cmp.Or(job.Queue, "test")
	job.Prefix = cmp.Or(job.Prefix, bullmq.DefaultPrefix)
	job.Attempt, job.MaxAttempts = max(job.Attempt, 1), max(job.MaxAttempts, 1)
	job.AttemptsStarted = max(job.AttemptsStarted, job.Attempt)
	if job.Timestamp.IsZero() {
		job.Timestamp = time.Now()
	}
	return &Context{Context: ctx, job: &job}
}

// Job implements [handler.Context].
func (c *Context) Job() *handler.Job { return c.job }

// Progress implements [handler.Context].
func (c *Context) Progress(value any) {
	text, err := encode(value)
	if err != nil {
		c.Logf("progress was not stored: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = append(c.progress, text)
}

// Log implements [handler.Context].
func (c *Context) Log(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logs = append(c.logs, line)
}

// Logf implements [handler.Context].
func (c *Context) Logf(format string, args ...any) { c.Log(fmt.Sprintf(format, args...)) }

// ChildrenValues implements [handler.Context].
func (c *Context) ChildrenValues() (map[string]json.RawMessage, error) {
	return maps.Clone(c.Children), nil
}

// FailedChildren implements [handler.Context].
func (c *Context) FailedChildren() (map[string]string, error) { return maps.Clone(c.Failed), nil }

// Dependencies implements [handler.Context].
func (c *Context) Dependencies() (bullmq.DependencyCounts, error) { return c.Counts, nil }

// AddChildren implements [handler.Context].
func (c *Context) AddChildren(jobs ...handler.NewJob) ([]handler.AddedJob, error) {
	return c.add(&c.children, jobs)
}

// AddJobs implements [handler.Context].
func (c *Context) AddJobs(jobs ...handler.NewJob) ([]handler.AddedJob, error) {
	return c.add(&c.jobs, jobs)
}

func (c *Context) add(list *[]handler.NewJob, jobs []handler.NewJob) ([]handler.AddedJob, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	added := make([]handler.AddedJob, len(jobs))
	for i, job := range jobs {
		if job.Name == "" {
			return nil, fmt.Errorf("no job was added: job %d has no name", i)
		}
		id := strconv.Itoa(len(c.children) + len(c.jobs) + i + 1)
		if job.Opts != nil && job.Opts.ID != "" {
			id = job.Opts.ID
		}
		added[i] = handler.AddedJob{ID: id, Queue: cmp.Or(job.Queue, c.job.Queue)}
	}
	*list = append(*list, jobs...)
	return added, nil
}

// State implements [handler.Context].
func (c *Context) State() (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, nil
}

// SaveState implements [handler.Context].
func (c *Context) SaveState(value any) error {
	text, err := encode(value)
	if err != nil {
		return fmt.Errorf("the job's state was not saved: %w", err)
	}
	if len(text) > handler.MaxStateBytes {
		return errors.New("the job's state is too large")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = text
	return nil
}

// UpdateData implements [handler.Context].
func (c *Context) UpdateData(value any) error {
	text, err := encode(value)
	if err != nil {
		return fmt.Errorf("the job's data was not updated: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = text
	return nil
}

// Reported returns what the handler reported as progress, as JSON.
func (c *Context) Reported() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]string, len(c.progress))
	for i, text := range c.progress {
		list[i] = string(text)
	}
	return list
}

// Logged returns the lines that the handler has logged.
func (c *Context) Logged() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.logs)
}

// AddedChildren returns the jobs that the handler has added as children.
func (c *Context) AddedChildren() []handler.NewJob {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.children)
}

// AddedJobs returns the jobs that the handler has added otherwise.
func (c *Context) AddedJobs() []handler.NewJob {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.jobs)
}

// UpdatedData returns what the handler has replaced the job's data with, nil if
// it has not.
func (c *Context) UpdatedData() json.RawMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data
}

func encode(value any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
