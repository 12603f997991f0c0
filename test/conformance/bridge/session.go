package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

var errNotOpen = errors.New("the session is not open")

// session is what one client has on our side: a backend whose clock is the
// client's, and the connections it waits on.
type session struct {
	redisURL string
	log      *slog.Logger
	now      atomic.Int64 // epoch ms

	// Set by open, which comes before every other request.
	redis   *bullmq.Redis
	backend bullmq.Backend

	mu        sync.Mutex
	newWaiter func() bullmq.Waiter    // guarded by mu; nil without a worker
	waiter    bullmq.Waiter           // guarded by mu; nil while it is interrupted
	events    bullmq.EventSource      // guarded by mu; made on first use
	named     rueidis.DedicatedClient // guarded by mu
}

func newSession(redisURL string, log *slog.Logger) *session {
	return &session{redisURL: redisURL, log: log}
}

func (s *session) setNow(ms int64) { s.now.Store(ms) }

func (s *session) clock() time.Time { return time.UnixMilli(s.now.Load()) }

// open connects to the store and, for a worker, to where it waits for jobs.
func (s *session) open(ctx context.Context, q bullmq.QueueRef, worker *string) error {
	if s.redis != nil {
		return errors.New("the session is open already")
	}
	r, err := bullmq.OpenRedis(ctx, s.redisURL, &bullmq.RedisOptions{Now: s.clock, Logger: s.log})
	if err != nil {
		return err
	}
	s.redis, s.backend = r, r
	if worker == nil {
		return nil
	}
	s.mu.Lock()
	s.newWaiter = func() bullmq.Waiter { return s.backend.NewWaiter(q, *worker) }
	s.mu.Unlock()
	return s.reconnect(ctx)
}

// reconnect gives a worker a connection to wait on, if it has none.
func (s *session) reconnect(ctx context.Context) error {
	s.mu.Lock()
	if s.newWaiter == nil || s.waiter != nil {
		s.mu.Unlock()
		return nil
	}
	w := s.newWaiter()
	s.waiter = w
	s.mu.Unlock()
	return w.Open(ctx)
}

// disconnect ends the wait in progress and the connection it was on.
func (s *session) disconnect() {
	s.mu.Lock()
	w := s.waiter
	s.waiter = nil
	s.mu.Unlock()
	if w != nil {
		w.Close()
	}
}

func (s *session) currentWaiter() bullmq.Waiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiter
}

// eventSource is the connection on which the session reads events.
func (s *session) eventSource() bullmq.EventSource {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.events == nil {
		s.events = s.backend.NewEventSource("")
	}
	return s.events
}

// setName shows the session under a name in the server's list of clients, on a
// connection kept for that: the engine's own serve all of its calls.
func (s *session) setName(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named == nil {
		s.named, _ = s.redis.Client().Dedicate()
	}
	if err := s.named.Do(ctx, s.named.B().ClientSetname().ConnectionName(name).Build()).Error(); err != nil {
		return fmt.Errorf("name connection: %w", err)
	}
	return nil
}

// interrupt ends every wait in progress.
func (s *session) interrupt() {
	s.disconnect()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newWaiter = nil
	if s.events != nil {
		s.events.Close()
	}
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named != nil {
		s.named.Close()
	}
	if s.redis != nil {
		_ = s.redis.Close() // It always succeeds.
	}
}
