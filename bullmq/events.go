package bullmq

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// EventType names what happened, as the event stream has it.
type EventType string

// The events that queues announce (wire facts §3.1).
const (
	EventAdded            EventType = "added"
	EventWaiting          EventType = "waiting"
	EventDelayed          EventType = "delayed"
	EventWaitingChildren  EventType = "waiting-children"
	EventActive           EventType = "active"
	EventProgress         EventType = "progress"
	EventCompleted        EventType = "completed"
	EventFailed           EventType = "failed"
	EventRetriesExhausted EventType = "retries-exhausted"
	EventStalled          EventType = "stalled"
	EventRemoved          EventType = "removed"
	EventDuplicated       EventType = "duplicated"
	EventCleaned          EventType = "cleaned"
	EventDrained          EventType = "drained"
	EventPaused           EventType = "paused"
	EventResumed          EventType = "resumed"
)

// Event is one entry of a queue's event stream.
type Event struct {
	// ID is the entry's stream id, "<ms>-<sequence>", which orders the events of a queue.
	ID    string
	Queue QueueRef
	Type  EventType
	// JobID is empty for events of the whole queue.
	JobID string
	// Fields holds every field of the entry, the type and job id included.
	Fields map[string]string
}

// Time returns when the event happened by the clock of the store.
func (e *Event) Time() time.Time {
	var ms int64
	for i := 0; i < len(e.ID) && e.ID[i] >= '0' && e.ID[i] <= '9'; i++ {
		ms = ms*10 + int64(e.ID[i]-'0')
	}
	return time.UnixMilli(ms)
}

// EventReaderOptions are the choices of an [EventReader]; nil or the zero value is fine.
type EventReaderOptions struct {
	// Name is appended to the connection's name. Defaults to none.
	Name string
	// Block is how long one read waits, and so how long a newly followed queue may
	// have to wait for its first events. Defaults to 1 s.
	Block time.Duration
	// Logger receives lost connections. Defaults to [slog.Default].
	Logger *slog.Logger
}

// EventReader follows the event streams of any number of queues over one connection.
type EventReader struct {
	backend Backend
	opts    EventReaderOptions

	mu        sync.Mutex
	positions map[QueueRef]string // guarded by mu
	changed   chan struct{}       // signals a reader that had nothing to follow
}

// NewEventReader returns a reader that follows nothing yet.
func NewEventReader(backend Backend, opts *EventReaderOptions) *EventReader {
	r := &EventReader{backend: backend, positions: map[QueueRef]string{}, changed: make(chan struct{}, 1)}
	if opts != nil {
		r.opts = *opts
	}
	r.opts.Block = cmp.Or(r.opts.Block, time.Second)
	r.opts.Logger = cmp.Or(r.opts.Logger, slog.Default())
	return r
}

// Follow adds queues to what is read, each from the events after the present
// one. Queues that are followed already stay where they are.
func (r *EventReader) Follow(ctx context.Context, queues ...QueueRef) error {
	r.mu.Lock()
	var added []QueueRef
	for _, q := range queues {
		if _, ok := r.positions[q]; !ok {
			added = append(added, q)
		}
	}
	r.mu.Unlock()
	if len(added) == 0 {
		return nil
	}
	ids, err := r.backend.LastEventIDs(ctx, added)
	if err != nil {
		return err
	}
	for i, q := range added {
		r.FollowFrom(q, ids[i])
	}
	return nil
}

// FollowFrom adds a queue from the event after the given id; "0-0" is the
// oldest event that is still there. A queue that is followed already stays where it is.
func (r *EventReader) FollowFrom(q QueueRef, after string) {
	r.mu.Lock()
	if _, ok := r.positions[q]; !ok {
		r.positions[q] = after
	}
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Unfollow removes a queue from what is read.
func (r *EventReader) Unfollow(q QueueRef) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.positions, q)
}

// Positions returns the id of the last event that was handed out, or begun
// from, for each queue.
func (r *EventReader) Positions() map[QueueRef]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.positions)
}

// Run reads until ctx ends and calls handle for every event, in the order of
// each queue, from one goroutine. After a lost connection it goes on where it was.
func (r *EventReader) Run(ctx context.Context, handle func(Event)) error {
	source := r.backend.NewEventSource(r.opts.Name)
	defer source.Close()
	for failures := 0; ctx.Err() == nil; {
		positions := r.Positions()
		if len(positions) == 0 {
			select {
			case <-ctx.Done():
			case <-r.changed:
			}
			continue
		}
		events, err := source.Read(ctx, positions, r.opts.Block)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			failures++
			r.opts.Logger.WarnContext(ctx, "event stream read failed", slog.Any("error", err), slog.Int("failures", failures))
			sleep(ctx, retryDelay(failures))
			continue
		}
		failures = 0
		for _, e := range events {
			r.advance(e)
			handle(e)
		}
	}
	return nil
}

func (r *EventReader) advance(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.positions[e.Queue]; ok {
		r.positions[e.Queue] = e.ID
	}
}

// QueueEvents follows one queue and lets callers wait for its jobs.
type QueueEvents struct {
	queue  *Queue
	reader *EventReader
	ready  chan struct{}

	mu      sync.Mutex
	waiters map[string][]chan Event // guarded by mu; by job id
}

// NewQueueEvents returns a follower of the queue, which reads once Run is called.
func NewQueueEvents(q *Queue, opts *EventReaderOptions) *QueueEvents {
	return &QueueEvents{
		queue: q, reader: NewEventReader(q.backend, opts), ready: make(chan struct{}),
		waiters: map[string][]chan Event{},
	}
}

// Run reads from the present event on until ctx ends and calls handle, which
// may be nil, for each event. It may be called once.
func (e *QueueEvents) Run(ctx context.Context, handle func(Event)) error {
	for failures := 0; ; failures++ {
		err := e.reader.Follow(ctx, e.queue.ref)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // being told to end is no failure
		}
		e.reader.opts.Logger.WarnContext(ctx, "event stream not reachable", slog.Any("error", err))
		sleep(ctx, retryDelay(failures+1))
	}
	close(e.ready)
	return e.reader.Run(ctx, func(ev Event) {
		e.notify(ev)
		if handle != nil {
			handle(ev)
		}
	})
}

func (e *QueueEvents) notify(ev Event) {
	if ev.Type != EventCompleted && ev.Type != EventFailed {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ch := range e.waiters[ev.JobID] {
		select {
		case ch <- ev:
		default:
		}
	}
}

// FailedError is how a job that failed for good shows to who waits for it.
type FailedError struct {
	JobID  string
	Reason string
}

func (e *FailedError) Error() string { return "job " + e.JobID + " failed: " + e.Reason }

// Wait returns the result of the job once it has completed, as JSON. If the job
// fails for good, the error is a [*FailedError]. Run must be under way.
func (e *QueueEvents) Wait(ctx context.Context, jobID string) (json.RawMessage, error) {
	select {
	case <-e.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ch := make(chan Event, 1)
	e.mu.Lock()
	e.waiters[jobID] = append(e.waiters[jobID], ch)
	e.mu.Unlock()
	defer e.forget(jobID, ch)

	// The job may have finished before the wait began, so its state is looked at
	// once, after events of it can no longer be missed.
	job, err := e.queue.Job(ctx, jobID)
	switch {
	case errors.Is(err, ErrJobNotFound):
		// A job that is removed as it finishes leaves only its event.
		select {
		case ev := <-ch:
			return eventResult(ev)
		default:
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	if !job.FinishedOn.IsZero() {
		if state, err := job.State(ctx); err != nil {
			return nil, err
		} else if state == StateCompleted {
			return job.ReturnValue, nil
		} else if state == StateFailed {
			return nil, &FailedError{JobID: jobID, Reason: job.FailedReason}
		}
	}
	select {
	case ev := <-ch:
		return eventResult(ev)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func eventResult(ev Event) (json.RawMessage, error) {
	if ev.Type == EventFailed {
		return nil, &FailedError{JobID: ev.JobID, Reason: ev.Fields["failedReason"]}
	}
	return json.RawMessage(ev.Fields["returnvalue"]), nil
}

func (e *QueueEvents) forget(jobID string, ch chan Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	rest := e.waiters[jobID][:0]
	for _, c := range e.waiters[jobID] {
		if c != ch {
			rest = append(rest, c)
		}
	}
	if len(rest) == 0 {
		delete(e.waiters, jobID)
		return
	}
	e.waiters[jobID] = rest
}
