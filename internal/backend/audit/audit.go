// Package audit writes down who changed what, in batches, so that a busy API
// does not wait for the database at every request.
package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/store"
)

const (
	// buffered entries wait for the writer at most; beyond that requests wait.
	buffered = 4096
	// batch bounds the rows of one statement.
	batch = 200
	// patience is how long a request waits for room, and a batch for the database.
	patience = 2 * time.Second
)

// Recorder takes entries and writes them while [Recorder.Run] runs. It is safe
// for concurrent use.
type Recorder struct {
	store   *store.DB
	log     *slog.Logger
	entries chan store.AuditEntry

	mu     sync.RWMutex // held for reading while an entry is handed over
	closed bool         // guarded by mu; set once Run takes no more entries
}

// NewRecorder returns a recorder that writes nothing before Run.
func NewRecorder(db *store.DB, log *slog.Logger) *Recorder {
	return &Recorder{store: db, log: log, entries: make(chan store.AuditEntry, buffered)}
}

// Record hands an entry to the writer, and writes it itself once Run has ended,
// for requests may outlast that. If the database has been gone for so long that
// the buffer is full, the entry goes to the log instead.
func (r *Recorder) Record(ctx context.Context, e store.AuditEntry) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		r.write(ctx, e)
		return
	}
	select {
	case r.entries <- e:
		return
	default:
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case r.entries <- e:
	case <-t.C:
		r.lost(ctx, []store.AuditEntry{e}, nil)
	}
}

// Run writes entries until ctx ends, and then those that are left. It returns nil.
func (r *Recorder) Run(ctx context.Context) error {
	for {
		select {
		case e := <-r.entries:
			r.write(ctx, e)
		case <-ctx.Done():
			r.mu.Lock()
			r.closed = true
			r.mu.Unlock()
			for len(r.entries) > 0 {
				r.write(ctx, <-r.entries)
			}
			return nil
		}
	}
}

// write stores an entry along with those that wait behind it.
func (r *Recorder) write(ctx context.Context, first store.AuditEntry) {
	entries := []store.AuditEntry{first}
	for len(entries) < batch && len(r.entries) > 0 {
		entries = append(entries, <-r.entries)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := r.store.AppendAudit(ctx, entries); err != nil {
		r.lost(ctx, entries, err)
	}
}

func (r *Recorder) lost(ctx context.Context, entries []store.AuditEntry, err error) {
	for _, e := range entries {
		r.log.ErrorContext(ctx, "audit entry not stored", slog.Any("error", err), slog.Int64("at", e.At),
			slog.String("actor", e.ActorID), slog.String("action", e.Action), slog.String("target", e.Target))
	}
}
