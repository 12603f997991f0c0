package live

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/event"
)

// statsBoard keeps the job counts of every queue for the clients that watch
// them. However many watch, a queue is counted at most once an interval, and
// only after something happened in it.
type statsBoard struct {
	backend  bullmq.Backend
	hub      *event.Hub
	prefix   string
	interval time.Duration
	log      *slog.Logger
	joined   chan struct{} // signals that someone began to watch

	mu       sync.Mutex
	version  uint64                    // guarded by mu; grows with each refresh
	queues   map[string]versionedStats // guarded by mu
	watchers map[*statsWatch]struct{}  // guarded by mu
}

type versionedStats struct {
	queueStats
	version uint64
}

func newStatsBoard(backend bullmq.Backend, hub *event.Hub, opts Options) *statsBoard {
	return &statsBoard{
		backend: backend, hub: hub, prefix: opts.Prefix, interval: opts.StatsInterval, log: opts.Logger,
		joined: make(chan struct{}, 1), queues: map[string]versionedStats{}, watchers: map[*statsWatch]struct{}{},
	}
}

// run refreshes the counts until ctx ends.
func (b *statsBoard) run(ctx context.Context) {
	sub := b.hub.Subscribe(event.Position{}, nil)
	defer sub.Close()
	changed := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Done():
			return
		case <-b.joined:
			b.markAll(changed)
		case <-sub.Ready():
			b.collect(sub, changed)
		}
		if len(changed) == 0 || !b.watched() {
			continue
		}
		if err := b.refresh(ctx, changed); err != nil && ctx.Err() == nil {
			b.log.WarnContext(ctx, "job counts could not be read", slog.Any("error", err))
		}
		pause(ctx, b.interval)
	}
}

// collect notes which queues something happened in.
func (b *statsBoard) collect(sub *event.Subscription, changed map[string]bool) {
	for {
		messages, missed := sub.Take(1024)
		if missed {
			b.markAll(changed)
		}
		for _, m := range messages {
			if m.Type != bullmq.EventProgress {
				changed[m.Queue] = true
			}
		}
		if len(messages) == 0 {
			return
		}
	}
}

func (b *statsBoard) markAll(changed map[string]bool) {
	for _, name := range b.hub.Queues() {
		changed[name] = true
	}
}

// refresh reads the changed queues, in two round trips, and clears the set.
func (b *statsBoard) refresh(ctx context.Context, changed map[string]bool) error {
	refs := make([]bullmq.QueueRef, 0, len(changed))
	for name := range changed {
		refs = append(refs, bullmq.QueueRef{Prefix: b.prefix, Name: name})
	}
	counts, err := b.backend.Counts(ctx, refs)
	if err != nil {
		return err
	}
	metas, err := b.backend.Meta(ctx, refs)
	if err != nil {
		return err
	}
	clear(changed)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version++
	for i, ref := range refs {
		b.queues[ref.Name] = versionedStats{queueStats{ref.Name, metas[i].Paused, counts[i]}, b.version}
	}
	for w := range b.watchers {
		w.wake()
	}
	return nil
}

func (b *statsBoard) watched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.watchers) > 0
}

// statsWatch is one client's view of the board. A nil watch watches nothing.
type statsWatch struct {
	board *statsBoard
	seen  uint64
	ready chan struct{}
}

// watch begins to watch; the first look shows every queue.
func (b *statsBoard) watch() *statsWatch {
	w := &statsWatch{board: b, ready: make(chan struct{}, 1)}
	b.mu.Lock()
	b.watchers[w] = struct{}{}
	b.mu.Unlock()
	select {
	case b.joined <- struct{}{}:
	default:
	}
	return w
}

func (w *statsWatch) changed() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.ready
}

// take returns the queues that changed since the last call, by name.
func (w *statsWatch) take(sees func(queue string) bool) []queueStats {
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	var list []queueStats
	for name, q := range w.board.queues {
		if q.version > w.seen && sees(name) {
			list = append(list, q.queueStats)
		}
	}
	w.seen = w.board.version
	slices.SortFunc(list, func(a, b queueStats) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func (w *statsWatch) close() {
	if w == nil {
		return
	}
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	delete(w.board.watchers, w)
}

func (w *statsWatch) wake() {
	select {
	case w.ready <- struct{}{}:
	default:
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
