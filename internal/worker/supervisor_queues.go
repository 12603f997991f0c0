package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Apply takes new settings over: queues are added, changed and dropped, and jobs
// that begin from now on find the new choices. Jobs that run are not touched.
// Settings that cannot be used change nothing; the error says why.
func (s *Supervisor) Apply(ctx context.Context, next Settings) error {
	next = next.withDefaults(s.opts.Prefix)
	if err := next.validate(s.opts.Backend); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	old := s.settings.Load()
	changes := old.changes(&next)
	if len(changes) == 0 {
		return nil
	}
	for _, change := range changes {
		s.opts.Logger.InfoContext(ctx, "settings changed", slog.String("change", change))
	}
	s.settings.Store(&next)
	if err := s.look(ctx); err != nil {
		s.opts.Logger.WarnContext(ctx, "queues were not looked for", slog.Any("error", err))
	}
	s.reconcile(ctx)
	s.mu.Lock()
	files := s.files
	s.mu.Unlock()
	if files != nil {
		files.retune(ctx)
	}
	s.handlersChanged()
	return nil
}

// serve begins with the queues. They are served until ctx ends.
func (s *Supervisor) serve(ctx context.Context, files *sources) {
	s.mu.Lock()
	s.running, s.files = ctx, files
	s.mu.Unlock()
	s.reconcile(ctx)
}

// drain waits until no queue is served any more, while the catalogue tells so.
func (s *Supervisor) drain() error {
	running := 0
	for _, l := range s.registry.Loads() {
		running += l.Running
	}
	s.opts.Logger.Info("worker takes no more jobs and waits for those that run", slog.Int("running", running),
		slog.Duration("at_most", s.opts.ShutdownTimeout))
	s.publish()
	s.work.Wait()
	defer s.shown.Wait() // publishers ask for s.mu
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.attempts {
		a.close()
	}
	for _, p := range s.presence {
		p.end()
	}
	return errors.Join(s.ended...)
}

// discover looks for queues that fit a pattern, now and then until ctx ends.
func (s *Supervisor) discover(ctx context.Context) error {
	for {
		began := time.Now()
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.opts.Logger.WarnContext(ctx, "queues were not looked for", slog.Any("error", err))
		}
		s.reconcile(ctx)
		// To walk the keys of a large store is work for it: a twentieth of the time
		// at most. Jitter keeps workers from walking together.
		pause := max(s.opts.Discover, 20*time.Since(began))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause - rand.N(pause/5+1)): //nolint:gosec // nothing to guess
		}
	}
}

// look lists the queues of the prefixes that have patterns.
func (s *Supervisor) look(ctx context.Context) error {
	found := map[string][]string{}
	settings := s.settings.Load()
	for i := range settings.Queues {
		q := &settings.Queues[i]
		if _, done := found[q.Prefix]; done || !q.IsPattern() {
			continue
		}
		names, err := bullmq.Queues(ctx, s.opts.Backend, q.Prefix)
		if err != nil {
			return err
		}
		found[q.Prefix] = names
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = found
	return nil
}

// reconcile serves what the settings ask for, and nothing else.
func (s *Supervisor) reconcile(ctx context.Context) {
	settings := s.settings.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil || s.running.Err() != nil {
		return
	}
	wanted := s.wantedLocked(settings)
	changed := false
	for key, q := range s.serving {
		next, still := wanted[key]
		if still && q.adjust(next) {
			continue
		}
		q.stop()
		delete(s.serving, key)
		changed = true
		if !still {
			s.opts.Logger.InfoContext(ctx, "queue is no longer served", slog.String("queue", key.name))
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(wanted), compareKeys) {
		if s.serving[key] == nil {
			s.startLocked(ctx, key, wanted[key])
			changed = true
		}
	}
	s.showLocked(settings) //nolint:contextcheck // entries live as long as the queues do, not as the caller
	if changed {
		s.publishLocked()
	}
}

// wantedLocked resolves names and patterns to queues.
func (s *Supervisor) wantedLocked(settings *Settings) map[queueKey]Queue {
	wanted := map[queueKey]Queue{}
	for i := range settings.Queues {
		if q := settings.Queues[i]; !q.IsPattern() {
			wanted[q.key()] = q
		}
	}
	for prefix, names := range s.found {
		for _, name := range names {
			key := queueKey{prefix, name}
			if q, ok := settings.find(key); ok {
				wanted[key] = q
			}
		}
	}
	return wanted
}

func compareKeys(a, b queueKey) int {
	if c := strings.Compare(a.prefix, b.prefix); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}

// startLocked serves a queue until it is stopped, or Run's context ends.
//
//nolint:contextcheck // the caller's context may end earlier
func (s *Supervisor) startLocked(ctx context.Context, key queueKey, settings Queue) {
	if s.attempts[key.prefix] == nil {
		s.attempts[key.prefix] = newAttempts(s.opts.Backend, key.prefix, s.opts.Logger)
	}
	q, err := newServed(s, key, settings, s.attempts[key.prefix])
	if err != nil {
		s.opts.Logger.ErrorContext(ctx, "queue cannot be served", slog.String("queue", key.name), slog.Any("error", err))
		return
	}
	if p := s.presence[key.prefix]; p != nil {
		q.pause(p.paused)
	}
	var running context.Context
	running, q.stop = context.WithCancel(s.running)
	q.stopping = running.Done()
	s.serving[key], s.alive[q] = q, true
	s.opts.Logger.InfoContext(ctx, "queue is served", slog.String("queue", key.name), slog.Int("concurrency", settings.Concurrency))
	s.work.Go(func() {
		defer q.stop()
		err := q.worker.Run(running)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.alive, q)
		if err != nil {
			s.ended = append(s.ended, err)
		}
	})
}
