package worker

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

const (
	// peersMaxAge is how old what is known of other workers may be.
	peersMaxAge = 2 * time.Second
	// peerRetry is how long a job is put back for that another worker runs.
	peerRetry = 500 * time.Millisecond
)

// peers knows the other workers of the prefixes, as the catalogue has them.
type peers struct {
	super  *Supervisor
	flight singleflight.Group

	mu    sync.Mutex
	known map[string]peerList // guarded by mu; by prefix
}

type peerList struct {
	workers []catalogue.Worker
	at      time.Time
}

func newPeers(s *Supervisor) *peers { return &peers{super: s, known: map[string]peerList{}} }

// run reports whether another worker runs the jobs of that name in the queue. It
// is false if that cannot be found out.
func (p *peers) run(ctx context.Context, queue queueKey, handler string) bool {
	for _, w := range p.workers(ctx, queue.prefix) {
		if w.ID == p.super.id || w.Paused || w.Stopping {
			continue
		}
		if _, ok := w.Runs(queue.name, handler); ok {
			return true
		}
	}
	return false
}

func (p *peers) workers(ctx context.Context, prefix string) []catalogue.Worker {
	p.mu.Lock()
	known := p.known[prefix]
	p.mu.Unlock()
	if time.Since(known.at) < peersMaxAge {
		return known.workers
	}
	// Many jobs ask at once; one look answers them all.
	list, _, _ := p.flight.Do(prefix, func() (any, error) {
		workers, err := catalogue.NewReader(p.super.opts.Backend.Client(), prefix).Workers(ctx)
		if err != nil {
			return known.workers, nil // without news the delay is only longer
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.known[prefix] = peerList{workers, time.Now()}
		return workers, nil
	})
	workers, _ := list.([]catalogue.Worker)
	return workers
}
