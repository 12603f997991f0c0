package event

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// firstEvent is the position before every entry of a stream.
const firstEvent = "0-0"

// discovery keeps the hub's reader on all queues that exist.
type discovery struct {
	hub *Hub
	// known are the queues of the last look; nil before the first.
	known map[string]bool
}

func newDiscovery(h *Hub) *discovery { return &discovery{hub: h} }

// run looks for queues at once and then at the hub's interval, until ctx ends.
func (d *discovery) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.look(ctx); err != nil && ctx.Err() == nil {
			d.hub.opts.Logger.WarnContext(ctx, "queue discovery failed", slog.Any("error", err))
		}
		// Some jitter keeps many processes from walking the key space together.
		pause := d.hub.opts.Discover*3/4 + rand.N(d.hub.opts.Discover/2+1) //nolint:gosec // jitter is no secret
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}

// look follows what is new and leaves what is gone.
//
// Queues that exist when the process starts are followed from now on. One that
// turns up later did not exist at the look before, so all of its events are
// news and it is followed from its first.
func (d *discovery) look(ctx context.Context) error {
	names, err := bullmq.Queues(ctx, d.hub.backend, d.hub.opts.Prefix)
	if err != nil {
		return err
	}
	if d.known == nil {
		if err := d.hub.Follow(ctx, names...); err != nil {
			return err
		}
	}
	found := make(map[string]bool, len(names))
	for _, name := range names {
		found[name] = true
		if d.known != nil && !d.known[name] {
			d.hub.reader.FollowFrom(d.ref(name), firstEvent)
		}
	}
	for name := range d.known {
		if !found[name] {
			d.hub.reader.Unfollow(d.ref(name))
		}
	}
	d.known = found
	d.hub.looked.Store(true)
	return nil
}

func (d *discovery) ref(name string) bullmq.QueueRef {
	return bullmq.QueueRef{Prefix: d.hub.opts.Prefix, Name: name}
}
