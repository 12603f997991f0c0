package audit_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/backend/audit"
	"github.com/jobrunner-dev/jobrunner/internal/store"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestEntriesBeforeDuringAndAfterRunAreStored(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), testenv.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	r := audit.NewRecorder(db, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 500 {
		r.Record(ctx, store.AuditEntry{At: int64(i), Action: fmt.Sprintf("a%d", i)})
	}
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.Record(ctx, store.AuditEntry{Action: "during"})
	cancel()
	require.NoError(t, <-done)
	r.Record(ctx, store.AuditEntry{Action: "after"})
	entries, err := db.Audit(t.Context(), 1000)
	require.NoError(t, err)
	require.Len(t, entries, 502)
	require.Equal(t, "after", entries[0].Action)
	require.Equal(t, "a499", entries[2].Action)
}

func TestEntriesThatCannotBeStoredGoToTheLog(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), testenv.SQLite(t))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	var log strings.Builder
	r := audit.NewRecorder(db, slog.New(slog.NewTextHandler(&log, nil)))
	r.Record(t.Context(), store.AuditEntry{Action: "createQueue", ActorID: "me"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, r.Run(ctx))
	require.Contains(t, log.String(), "createQueue")
}
