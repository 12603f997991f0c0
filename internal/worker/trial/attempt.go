package trial

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// attempt is the [handler.Context] of a run. It keeps in memory what a worker
// keeps in Redis.
type attempt struct {
	context.Context
	job     *handler.Job
	started time.Time
	emit    func(Event)

	mu       sync.Mutex
	over     bool                       // guarded by mu; nothing is reported any more
	state    json.RawMessage            // guarded by mu; nil if there is none
	children map[string]json.RawMessage // results, by job key; not changed
	added    int                        // guarded by mu; jobs, children included
	waiting  int64                      // guarded by mu; children added
}

var _ handler.Context = (*attempt)(nil)

// report passes an event on, unless the attempt has ended.
func (a *attempt) report(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reportLocked(e)
}

func (a *attempt) reportLocked(e Event) {
	if a.over {
		return
	}
	e.MS = time.Since(a.started).Milliseconds()
	a.emit(e)
}

// end reports the last event.
func (a *attempt) end(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reportLocked(e)
	a.over = true
}

// Job implements [handler.Context].
func (a *attempt) Job() *handler.Job { return a.job }

// Progress implements [handler.Context].
func (a *attempt) Progress(value any) {
	text, err := encode(value)
	if err != nil {
		a.report(Event{Kind: EventWarning, Text: fmt.Sprintf("progress was not stored: %v", err)})
		return
	}
	a.report(Event{Kind: EventProgress, Value: text})
}

// Log implements [handler.Context].
func (a *attempt) Log(line string) { a.report(Event{Kind: EventLog, Text: line}) }

// Logf implements [handler.Context].
func (a *attempt) Logf(format string, args ...any) { a.Log(fmt.Sprintf(format, args...)) }

// ChildrenValues implements [handler.Context].
func (a *attempt) ChildrenValues() (map[string]json.RawMessage, error) {
	return maps.Clone(a.children), nil
}

// FailedChildren implements [handler.Context]. In a run no child fails.
func (a *attempt) FailedChildren() (map[string]string, error) { return map[string]string{}, nil }

// Dependencies implements [handler.Context].
func (a *attempt) Dependencies() (bullmq.DependencyCounts, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bullmq.DependencyCounts{Processed: int64(len(a.children)), Unprocessed: a.waiting}, nil
}

// AddChildren implements [handler.Context].
func (a *attempt) AddChildren(jobs ...handler.NewJob) ([]handler.AddedJob, error) {
	return a.add(EventChild, jobs)
}

// AddJobs implements [handler.Context].
func (a *attempt) AddJobs(jobs ...handler.NewJob) ([]handler.AddedJob, error) {
	return a.add(EventJob, jobs)
}

// add gives jobs the ids that a new queue would, and reports them once all of
// them have proved right.
func (a *attempt) add(kind EventKind, jobs []handler.NewJob) ([]handler.AddedJob, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	events := make([]Event, len(jobs))
	for i, job := range jobs {
		if job.Name == "" {
			return nil, fmt.Errorf("no job was added: job %d has no name", i+1)
		}
		if job.Data == nil {
			job.Data = json.RawMessage("{}")
		}
		data, err := encode(job.Data)
		if err != nil {
			return nil, fmt.Errorf("no job was added: data of %s: %w", job.Name, err)
		}
		id := strconv.Itoa(a.added + i + 2) // the running job is the first
		if job.Opts != nil {
			id = cmp.Or(job.Opts.ID, id)
		}
		events[i] = Event{Kind: kind, Job: &AddedJob{
			AddedJob: handler.AddedJob{ID: id, Queue: cmp.Or(job.Queue, a.job.Queue)}, Name: job.Name, Data: data,
		}}
	}
	added := make([]handler.AddedJob, len(jobs))
	for i, e := range events {
		added[i] = e.Job.AddedJob
		a.reportLocked(e)
	}
	a.added += len(jobs)
	if kind == EventChild {
		a.waiting += int64(len(jobs))
	}
	return added, nil
}

// State implements [handler.Context].
func (a *attempt) State() (json.RawMessage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bytes.Clone(a.state), nil
}

// SaveState implements [handler.Context].
func (a *attempt) SaveState(value any) error {
	text, err := encode(value)
	if err != nil {
		return fmt.Errorf("the job's state was not saved: %w", err)
	}
	if len(text) > handler.MaxStateBytes {
		return fmt.Errorf("the job's state was not saved: it has %d bytes as JSON, more than the %d allowed",
			len(text), handler.MaxStateBytes)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state = text
	a.reportLocked(Event{Kind: EventState, Value: text})
	return nil
}

// UpdateData implements [handler.Context].
func (a *attempt) UpdateData(value any) error {
	text, err := encode(value)
	if err != nil {
		return fmt.Errorf("the job's data was not updated: %w", err)
	}
	a.report(Event{Kind: EventData, Value: text})
	return nil
}

// encode writes a value of a handler as JSON. What is JSON already stays as it is.
func encode(value any) (json.RawMessage, error) {
	if raw, ok := value.(json.RawMessage); ok && len(raw) > 0 {
		if !json.Valid(raw) {
			return nil, errors.New("it is not JSON")
		}
		return raw, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
