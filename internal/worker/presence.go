package worker

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// presence is the worker's entry in the catalogue of one prefix.
type presence struct {
	publisher *catalogue.Publisher
	end       context.CancelFunc
	paused    bool // guarded by the supervisor's mu
}

// showLocked keeps an entry in the catalogue of each prefix that queues have.
func (s *Supervisor) showLocked(settings *Settings) {
	wanted := map[string]bool{}
	for i := range settings.Queues {
		wanted[settings.Queues[i].Prefix] = true
	}
	for prefix, p := range s.presence {
		if !wanted[prefix] {
			p.end()
			delete(s.presence, prefix)
		}
	}
	for prefix := range wanted {
		if s.presence[prefix] == nil {
			s.presence[prefix] = s.present(prefix)
		}
	}
}

// present begins to publish. It goes on while the worker drains.
func (s *Supervisor) present(prefix string) *presence {
	p := &presence{}
	p.publisher = catalogue.NewPublisher(s.opts.Backend.Client(), prefix, func() catalogue.Worker { return s.snapshot(prefix) },
		&catalogue.PublisherOptions{
			Logger: s.opts.Logger, Published: s.setReady, Ordered: func(o catalogue.Orders) { s.obey(prefix, p, o) },
		})
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.running))
	p.end = cancel
	s.shown.Go(func() {
		if err := p.publisher.Run(ctx); err != nil {
			s.opts.Logger.WarnContext(ctx, "the worker stays in the catalogue until its entry expires", slog.Any("error", err))
		}
	})
	return p
}

// obey pauses or resumes the queues of a prefix.
func (s *Supervisor) obey(prefix string, p *presence, orders catalogue.Orders) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.paused = orders.Paused
	for key, q := range s.serving {
		if key.prefix == prefix {
			q.pause(orders.Paused)
		}
	}
	s.opts.Logger.Info("worker was paused or resumed", slog.Bool("paused", orders.Paused))
	p.publisher.Changed()
}

// publish has the catalogue's entries written soon.
func (s *Supervisor) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publishLocked()
}

func (s *Supervisor) publishLocked() {
	for _, p := range s.presence {
		p.publisher.Changed()
	}
}

// snapshot is what the catalogue of a prefix says about this worker.
func (s *Supervisor) snapshot(prefix string) catalogue.Worker {
	w := catalogue.Worker{
		ID: s.id, Name: s.opts.Name, Host: s.host, PID: os.Getpid(), StartedAt: s.startedAt,
		Queues: []catalogue.Queue{}, Handlers: s.Handlers(), Load: s.load(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.presence[prefix]; p != nil {
		w.Paused = p.paused
	}
	w.Stopping = s.running.Err() != nil
	for key, q := range s.serving {
		if key.prefix == prefix {
			w.Queues = append(w.Queues, q.snapshot())
		}
	}
	slices.SortFunc(w.Queues, func(a, b catalogue.Queue) int { return strings.Compare(a.Name, b.Name) })
	return w
}

func (q *served) snapshot() catalogue.Queue {
	settings := q.settings.Load()
	entry := catalogue.Queue{
		Name: q.key.name, Concurrency: settings.Concurrency, Running: q.seats.Taken(), Held: q.holds(), Handlers: settings.Handlers,
	}
	if settings.IsPattern() {
		entry.Pattern = settings.Name
	}
	if l := settings.RateLimit; l != nil {
		entry.RateLimit = &catalogue.RateLimit{Max: l.Max, DurationMS: l.Duration.Milliseconds()}
	}
	return entry
}

// load is what the handlers do now, over all queues.
func (s *Supervisor) load() []catalogue.Load {
	loads, held := s.registry.Loads(), s.turns.Held()
	list := make([]catalogue.Load, 0, len(loads))
	for _, h := range s.registry.Catalogue() {
		l := loads[h.Name]
		delete(loads, h.Name)
		l.Handler, l.Held, l.Concurrency = h.Name, held[h.Name], s.limit(&h)
		if l.Running > 0 || l.Held > 0 || l.Concurrency > 0 {
			list = append(list, l)
		}
	}
	for _, l := range loads {
		list = append(list, l) // removed, and draining
	}
	slices.SortFunc(list, func(a, b catalogue.Load) int { return cmp.Compare(a.Handler, b.Handler) })
	return list
}
