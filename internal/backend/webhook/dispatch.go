package webhook

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/event"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

const (
	// dispatchBatch is how many events are turned into messages at a time.
	dispatchBatch = 500
	// Finished deliveries stay in Redis so that the same event, seen late by
	// another process, is known to be a repetition.
	keepDelivered = time.Hour
	keepFailed    = 24 * time.Hour
	keepCount     = 50_000
	// backoffJitter spreads the deliveries to a receiver that comes back.
	backoffJitter = 0.2
)

// hookTable says which webhooks ask for an event.
type hookTable struct {
	byEvent map[string][]*hook
}

type hook struct {
	id string
	// Patterns mean for webhooks what they mean for API keys.
	chosen, visible auth.Principal
}

func newHookTable(hooks []store.Webhook) *hookTable {
	t := &hookTable{byEvent: map[string][]*hook{}}
	for _, w := range hooks {
		h := &hook{id: w.ID, chosen: auth.Principal{Queues: w.Queues}, visible: auth.Principal{Queues: w.VisibleQueues}}
		for _, name := range w.Events {
			t.byEvent[name] = append(t.byEvent[name], h)
		}
	}
	return t
}

func (h *hook) sees(queue string) bool {
	return h.chosen.SeesQueue(queue) && h.visible.SeesQueue(queue)
}

// wanted reports whether some webhook asks for the event.
func (t *hookTable) wanted(m *event.Message) bool {
	for _, h := range t.byEvent[eventNames[m.Type]] {
		if h.sees(m.Queue) {
			return true
		}
	}
	return false
}

// load reads the webhooks. If that fails the table stays as it is and the
// next turn of [Service.keepTable] makes up for it.
func (s *Service) load(ctx context.Context) {
	s.loading.Lock()
	defer s.loading.Unlock()
	hooks, err := s.store.EnabledWebhooks(ctx, maxWebhooks)
	switch {
	case err == nil:
		s.hooks.Store(newHookTable(hooks))
	case ctx.Err() == nil:
		s.opts.Logger.WarnContext(ctx, "webhooks could not be read", slog.Any("error", err))
	}
}

// keepTable reads the webhooks now and then, for changes made by other
// processes, until ctx ends.
func (s *Service) keepTable(ctx context.Context) {
	for ctx.Err() == nil {
		s.load(ctx)
		pause(ctx, s.opts.Refresh)
	}
}

// dispatch puts a message in the queue for each event and webhook that asks for
// it, until ctx ends.
func (s *Service) dispatch(ctx context.Context) error {
	defer s.events.Close()
	for {
		events, missed, err := s.events.Next(ctx, dispatchBatch)
		if err != nil {
			return nil // the hub or ctx has ended
		}
		if missed {
			s.opts.Logger.WarnContext(ctx, "events came faster than webhooks could be queued; some were not announced")
		}
		if jobs := s.jobs(events); len(jobs) > 0 {
			s.enqueue(ctx, jobs)
		}
	}
}

func (s *Service) jobs(events []*event.Message) []bullmq.BulkJob {
	table := s.hooks.Load()
	var jobs []bullmq.BulkJob
	for _, m := range events {
		for _, h := range table.byEvent[eventNames[m.Type]] {
			if !h.sees(m.Queue) {
				continue
			}
			jobs = append(jobs, bullmq.BulkJob{
				Name: eventNames[m.Type], Data: newMessage(h.id, m), Opts: &bullmq.JobOptions{
					ID: messageID(h.id, m), Attempts: s.opts.Attempts,
					Backoff:          &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: s.opts.Backoff, Jitter: backoffJitter},
					RemoveOnComplete: &bullmq.Keep{Count: keepCount, Age: keepDelivered},
					RemoveOnFail:     &bullmq.Keep{Count: keepCount, Age: keepFailed},
				},
			})
		}
	}
	return jobs
}

// enqueue adds the messages, again and again while Redis is away: their ids
// make repetition harmless.
func (s *Service) enqueue(ctx context.Context, jobs []bullmq.BulkJob) {
	const longest = 5 * time.Second
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, longest) {
		_, err := s.queue.AddBulk(ctx, jobs)
		if err == nil || ctx.Err() != nil {
			return
		}
		log := s.opts.Logger.With(slog.Any("error", err), slog.Int("messages", len(jobs)))
		if _, refused := errors.AsType[*bullmq.ValidationError](err); refused {
			log.ErrorContext(ctx, "webhook messages were refused")
			return
		}
		log.WarnContext(ctx, "webhook messages could not be queued")
		pause(ctx, wait/2+rand.N(wait/2+1)) //nolint:gosec // jitter is no secret
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
