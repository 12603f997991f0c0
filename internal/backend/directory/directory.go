// Package directory knows which queues there are and who works on them, from
// memory that is refreshed in the background, so that no request has to walk
// Redis' keys.
package directory

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// Options are the choices of a [Directory].
type Options struct {
	// Backend holds the queues. Required.
	Backend bullmq.Backend
	// Catalogue lists JobRunner's workers. Required.
	Catalogue *catalogue.Reader
	// Prefix is the key prefix of the queues. Defaults to [bullmq.DefaultPrefix].
	Prefix string
	// Refresh is how often queues that other programs made are looked for.
	// Defaults to 15 s.
	Refresh time.Duration
	// MaxAge is how old what is known of the workers may be. Defaults to 500 ms.
	MaxAge time.Duration
	// Logger defaults to [slog.Default].
	Logger *slog.Logger
}

// Directory lists queues and workers. It is safe for concurrent use.
type Directory struct {
	opts    Options
	flight  singleflight.Group
	schemas catalogue.SchemaCache

	mu     sync.Mutex
	loaded bool                 // guarded by mu
	queues map[string]time.Time // guarded by mu; when each was last known to be there
	force  *Workforce           // guarded by mu; nil before the first look
}

// New returns a directory that has not looked yet.
func New(opts Options) *Directory {
	opts.Prefix = cmp.Or(opts.Prefix, bullmq.DefaultPrefix)
	opts.Refresh = cmp.Or(opts.Refresh, 15*time.Second)
	opts.MaxAge = cmp.Or(opts.MaxAge, 500*time.Millisecond)
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	return &Directory{opts: opts, queues: map[string]time.Time{}}
}

// Run looks for queues now and then, until ctx ends. It returns nil.
func (d *Directory) Run(ctx context.Context) error {
	for {
		if err := d.refresh(ctx); err != nil && ctx.Err() == nil {
			d.opts.Logger.WarnContext(ctx, "queues not listed", slog.Any("error", err))
		}
		// Some jitter keeps many backends from walking the key space together.
		t := time.NewTimer(d.opts.Refresh*3/4 + rand.N(d.opts.Refresh/2+1)) //nolint:gosec // jitter is no secret
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// Ref returns what identifies the queue of that name in its store.
func (d *Directory) Ref(name string) bullmq.QueueRef {
	return bullmq.QueueRef{Prefix: d.opts.Prefix, Name: name}
}

// Add notes that a queue is there, as its maker knows before any look.
func (d *Directory) Add(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queues[name] = time.Now()
}

// Names returns the names of all queues, sorted. The first call looks for them;
// queues of workers that have come since are always among them.
func (d *Directory) Names(ctx context.Context) ([]string, error) {
	d.mu.Lock()
	loaded := d.loaded
	d.mu.Unlock()
	if !loaded {
		if err := d.refresh(ctx); err != nil {
			return nil, err
		}
	}
	force, err := d.Workforce(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range force.queues() {
		d.queues[name] = time.Now()
	}
	return slices.Sorted(maps.Keys(d.queues)), nil
}

// Known reports whether there is a queue of this name: it has metadata, or a
// worker serves it. One that is not in memory is looked for in Redis.
func (d *Directory) Known(ctx context.Context, name string) (bool, error) {
	d.mu.Lock()
	_, known := d.queues[name]
	d.mu.Unlock()
	if known {
		return true, nil
	}
	metas, err := d.opts.Backend.Meta(ctx, []bullmq.QueueRef{d.Ref(name)})
	if err != nil {
		return false, err
	}
	if !metas[0].Exists {
		force, err := d.workforce(ctx, recheck)
		if err != nil || !force.serves(name) {
			return false, err
		}
	}
	d.Add(name)
	return true, nil
}

// refresh looks for all queues: those with metadata and those that only have a worker yet.
func (d *Directory) refresh(ctx context.Context) error {
	_, err := d.share(ctx, "queues", func(ctx context.Context) (any, error) {
		began := time.Now()
		names, err := bullmq.Queues(ctx, d.opts.Backend, d.opts.Prefix)
		if err != nil {
			return nil, err
		}
		force, err := d.Workforce(ctx)
		if err != nil {
			return nil, err
		}
		names = append(names, force.queues()...)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.loaded = true
		for _, name := range names {
			d.queues[name] = began
		}
		// What was added while the keys were walked may have been missed by that.
		maps.DeleteFunc(d.queues, func(_ string, seen time.Time) bool { return seen.Before(began) })
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("look for queues: %w", err)
	}
	return nil
}

// share runs f once for all who ask for the same meanwhile. It does not end with
// the first caller's context, for others may wait too.
func (d *Directory) share(ctx context.Context, key string, f func(context.Context) (any, error)) (any, error) {
	done := d.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return f(ctx)
	})
	select {
	case r := <-done:
		return r.Val, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
