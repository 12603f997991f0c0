package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

const (
	// reportInterval is the least time between two rounds of writes of a job, so
	// that a handler in a tight loop does not keep Redis busy.
	reportInterval = 25 * time.Millisecond
	// maxPendingLines bounds what waits to be stored, maxLines what one attempt
	// may log, maxLineBytes one line.
	maxPendingLines = 1000
	maxLines        = 10_000
	maxLineBytes    = 64 << 10
	// storeTimeout is how long a round of writes may take.
	storeTimeout = 10 * time.Second
)

// reporter stores a job's progress and log lines behind its handler's back: the
// handler never waits for Redis, and of progress only the newest is written.
// It has a goroutine while there is something to write, and costs a job that
// reports nothing next to nothing.
type reporter struct {
	job *bullmq.Job
	log *slog.Logger

	mu      sync.Mutex
	latest  json.RawMessage // guarded by mu; nil if stored
	lines   []string        // guarded by mu; not yet stored
	count   int             // guarded by mu; lines taken in all
	dropped int             // guarded by mu; lines that had no place, not yet told
	closed  bool            // guarded by mu
	// The goroutine's, guarded by mu: idle is closed when it ends, closing tells
	// it not to pause. Nil if none runs.
	idle    chan struct{}
	closing chan struct{}
}

func (r *reporter) progress(value json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.latest = value
		r.wakeLocked()
	}
}

func (r *reporter) line(text string) {
	if len(text) > maxLineBytes {
		text = text[:maxLineBytes] + "…"
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.count++
	switch {
	case r.count == maxLines+1:
		r.lines = append(r.lines, fmt.Sprintf("(the attempt has logged %d lines; further ones are not kept)", maxLines))
	case r.count > maxLines:
		return
	case len(r.lines) >= maxPendingLines:
		r.dropped++
	default:
		r.lines = append(r.lines, text)
	}
	r.wakeLocked()
}

func (r *reporter) wakeLocked() {
	if r.idle == nil {
		r.idle, r.closing = make(chan struct{}), make(chan struct{})
		go r.write(r.idle, r.closing)
	}
}

// close takes no further reports and waits until all are stored, or cannot be.
func (r *reporter) close() {
	r.mu.Lock()
	again := r.closed
	r.closed = true
	idle, closing := r.idle, r.closing
	r.mu.Unlock()
	if idle != nil && !again {
		close(closing)
		<-idle
	}
}

// write stores reports round by round until none is left.
func (r *reporter) write(idle, closing chan struct{}) {
	defer close(idle)
	for {
		lines, latest := r.take()
		if lines == nil && latest == nil {
			return
		}
		r.store(lines, latest)
		select {
		case <-closing:
		case <-time.After(reportInterval):
		}
	}
}

// take empties what waits. With nothing waiting, the goroutine is over.
func (r *reporter) take() ([]string, json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines, latest := r.lines, r.latest
	if r.dropped > 0 {
		lines = append(lines, fmt.Sprintf("(%d lines were dropped, they came faster than they could be stored)", r.dropped))
	}
	r.lines, r.latest, r.dropped = nil, nil, 0
	if lines == nil && latest == nil {
		r.idle = nil
	}
	return lines, latest
}

// store writes one round. It has a time of its own, as reports must be stored
// even when the job's has run out.
func (r *reporter) store(lines []string, latest json.RawMessage) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	var err error
	for _, line := range lines {
		if err = r.job.Log(ctx, line); err != nil {
			break
		}
	}
	if err == nil && latest != nil {
		err = r.job.UpdateProgress(ctx, latest)
	}
	if err != nil && !errors.Is(err, bullmq.ErrJobNotFound) {
		r.log.WarnContext(ctx, "job's progress or log could not be stored",
			slog.String("queue", r.job.Queue.Name), slog.String("job", r.job.ID), slog.Any("error", err))
	}
}
