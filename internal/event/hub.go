package event

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Options are the choices of a [Hub]; the zero value is fine.
type Options struct {
	// Prefix is the key prefix of the queues. Defaults to [bullmq.DefaultPrefix].
	Prefix string
	// History is how many messages are kept for slow and returning subscribers.
	// Defaults to 10,000.
	History int
	// HistoryBytes bounds the memory of the same messages, about. Defaults to 64 MiB.
	HistoryBytes int
	// Discover is how often queues that other programs made are looked for.
	// Defaults to 10 s; -1 leaves only those given to [Hub.Follow].
	Discover time.Duration
	// Block is how long one read of the streams waits. Defaults to 1 s.
	Block time.Duration
	// Logger receives lost connections. Defaults to [slog.Default].
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, bullmq.DefaultPrefix)
	o.History = cmp.Or(o.History, 10_000)
	o.HistoryBytes = cmp.Or(o.HistoryBytes, 64<<20)
	o.Discover = cmp.Or(o.Discover, 10*time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

func (o *Options) validate() error {
	switch {
	case o.History < 1:
		return fmt.Errorf("event: history must be at least 1, is %d", o.History)
	case o.HistoryBytes < 1:
		return fmt.Errorf("event: history bytes must be at least 1, is %d", o.HistoryBytes)
	case o.Discover < 0 && o.Discover != -1:
		return fmt.Errorf("event: discover must be positive or -1, is %s", o.Discover)
	}
	return nil
}

// Hub publishes the events of all queues to its subscribers. It is safe for concurrent use.
type Hub struct {
	backend bullmq.Backend
	opts    Options
	reader  *bullmq.EventReader
	epoch   string
	// looked says that the queues there were at the start are followed, so that
	// others are new.
	looked atomic.Bool

	mu     sync.Mutex
	ring   *ring                      // guarded by mu
	subs   map[*Subscription]struct{} // guarded by mu
	closed bool                       // guarded by mu
}

// New returns a hub that reads nothing before [Hub.Run].
func New(backend bullmq.Backend, opts Options) (*Hub, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return &Hub{
		backend: backend,
		opts:    opts,
		reader:  bullmq.NewEventReader(backend, &bullmq.EventReaderOptions{Block: opts.Block, Logger: opts.Logger}),
		epoch:   hex.EncodeToString(id[:]),
		// Numbers start at the clock, so that one from before a restart is not taken
		// for one of this process by a client that ignores the epoch. They stay
		// below 2^53, which JavaScript needs.
		ring: newRing(opts.History, opts.HistoryBytes, uint64(time.Now().UnixMilli())<<10),
		subs: map[*Subscription]struct{}{},
	}, nil
}

// Epoch identifies the process whose numbers the messages carry.
func (h *Hub) Epoch() string { return h.epoch }

// LastSeq is the number of the newest message.
func (h *Hub) LastSeq() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ring.next - 1
}

// Queues lists the names of the queues whose events are read, sorted.
func (h *Hub) Queues() []string {
	names := []string{}
	for ref := range maps.Keys(h.reader.Positions()) {
		names = append(names, ref.Name)
	}
	slices.Sort(names)
	return names
}

// Follow adds queues by name at once, for those who make one; others are found
// by themselves. While the hub discovers queues, one that it does not know is new
// and is followed from its first event, otherwise from its present end.
func (h *Hub) Follow(ctx context.Context, queues ...string) error {
	refs := make([]bullmq.QueueRef, len(queues))
	for i, name := range queues {
		refs[i] = bullmq.QueueRef{Prefix: h.opts.Prefix, Name: name}
	}
	if h.looked.Load() {
		for _, ref := range refs {
			h.reader.FollowFrom(ref, firstEvent)
		}
		return nil
	}
	if err := h.reader.Follow(ctx, refs...); err != nil {
		return fmt.Errorf("follow events of %d queues: %w", len(queues), err)
	}
	return nil
}

// Run reads events until ctx ends, then ends every subscription and returns nil.
// It goes on by itself after a lost connection. It may be called once.
func (h *Hub) Run(ctx context.Context) error {
	defer h.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return h.reader.Run(ctx, func(e bullmq.Event) { h.Publish(NewMessage(e)) })
	})
	if h.opts.Discover > 0 {
		g.Go(func() error { newDiscovery(h).run(ctx); return nil })
	}
	return g.Wait()
}

// Publish numbers a message and hands it to the subscribers. It never waits for them.
func (h *Hub) Publish(m *Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ring.push(m)
	for s := range h.subs {
		s.wake()
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		s.end()
	}
	clear(h.subs)
}
