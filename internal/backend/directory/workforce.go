package directory

import (
	"context"
	"slices"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// Workforce is who worked on which queues at one moment.
type Workforce struct {
	// Workers are JobRunner's own, as they describe themselves.
	Workers []catalogue.Worker
	// Connections are those of all workers, Node ones included. Some hosted
	// servers don't tell; then there are none and Blind is true.
	Connections []bullmq.WorkerConn
	Blind       bool

	at time.Time
}

// Workforce returns who works on the queues, not older than the directory's MaxAge.
func (d *Directory) Workforce(ctx context.Context) (*Workforce, error) {
	return d.workforce(ctx, d.opts.MaxAge)
}

func (d *Directory) workforce(ctx context.Context, maxAge time.Duration) (*Workforce, error) {
	d.mu.Lock()
	force := d.force
	d.mu.Unlock()
	if force != nil && time.Since(force.at) < maxAge {
		return force, nil
	}
	v, err := d.share(ctx, "workers", func(ctx context.Context) (any, error) {
		force, err := d.look(ctx)
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.force = force
		return force, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*Workforce), nil //nolint:forcetypeassert // what the function above returns
}

func (d *Directory) look(ctx context.Context) (*Workforce, error) {
	force := &Workforce{at: time.Now()}
	var err error
	if force.Workers, err = d.opts.Catalogue.Workers(ctx); err != nil {
		return nil, err
	}
	force.Connections, err = d.opts.Backend.Workers(ctx, d.opts.Prefix)
	if _, refused := rueidis.IsRedisErr(err); refused {
		force.Blind = true
		return force, nil
	}
	return force, err
}

// Order gives one of JobRunner's workers its orders, or returns
// [catalogue.ErrWorkerNotFound].
func (d *Directory) Order(ctx context.Context, worker string, orders catalogue.Orders) error {
	return d.opts.Catalogue.Order(ctx, worker, orders)
}

// WorkersOf returns how many workers are connected to the queue.
func (f *Workforce) WorkersOf(queue string) int {
	own := 0
	for i := range f.Workers {
		if f.Workers[i].Serves(queue) {
			own++
		}
	}
	n := 0
	for _, c := range f.Connections {
		if c.Queue == queue {
			n++
		}
	}
	return max(n, own)
}

// Handlers returns JobRunner's handlers for the jobs of that name in a queue,
// one for each version, and whether they are all there could be: not so if
// another program's worker serves the queue, or none at all does. Disabled ones
// are among them: their jobs wait.
func (f *Workforce) Handlers(queue, name string) (handlers []catalogue.Handler, all bool) {
	own := 0
	for i := range f.Workers {
		w := &f.Workers[i]
		q, ok := w.Queue(queue)
		if !ok {
			continue
		}
		own++
		h, ok := w.Handler(name)
		if ok && q.Allows(name) && !slices.ContainsFunc(handlers, func(o catalogue.Handler) bool { return o.Version == h.Version }) {
			handlers = append(handlers, h)
		}
	}
	return handlers, own > 0 && f.Foreign(queue) == 0 && !f.Blind
}

// Foreign returns how many workers of other programs are connected to the queue.
func (f *Workforce) Foreign(queue string) int {
	own, connected := 0, 0
	for i := range f.Workers {
		if f.Workers[i].Serves(queue) {
			own++
		}
	}
	for _, c := range f.Connections {
		if c.Queue == queue {
			connected++
		}
	}
	// Each of our workers waits on one connection, so more are somebody else's.
	return max(connected-own, 0)
}

func (f *Workforce) serves(queue string) bool { return slices.Contains(f.queues(), queue) }

func (f *Workforce) queues() []string {
	var names []string
	for _, w := range f.Workers {
		for _, q := range w.Queues {
			names = append(names, q.Name)
		}
	}
	for _, c := range f.Connections {
		names = append(names, c.Queue)
	}
	return names
}
