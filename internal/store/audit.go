package store

import (
	"context"

	"github.com/uptrace/bun"
)

// AuditEntry says who changed what.
type AuditEntry struct {
	bun.BaseModel `bun:"table:audit_log"`

	ID        int64 `bun:",pk,autoincrement"`
	At        int64
	ActorKind string
	ActorID   string
	ActorName string
	// Action is the operation, such as "submitJob"; Target the path it was sent to.
	Action    string
	Target    string
	Status    int
	Address   string
	RequestID string
}

// AppendAudit adds entries to the log, which nothing changes afterwards.
func (db *DB) AppendAudit(ctx context.Context, entries []AuditEntry) error {
	if len(entries) == 0 {
		return nil
	}
	_, err := db.write.NewInsert().Model(&entries).ExcludeColumn("id").Exec(ctx)
	return wrap("append to the audit log", err)
}

// Audit returns the newest entries of the log, newest first.
func (db *DB) Audit(ctx context.Context, limit int64) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := db.read.NewSelect().Model(&entries).Order("id DESC").Limit(limit).Scan(ctx)
	return entries, wrap("read the audit log", err)
}
