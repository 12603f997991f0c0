package store

import (
	"context"

	"github.com/uptrace/bun"
)

// APIKey is a credential for a program.
type APIKey struct {
	bun.BaseModel `bun:"table:api_keys"`

	ID   string `bun:",pk"`
	Name string
	// Prefix is unique and no secret; Hash is that of the whole key.
	Prefix     string
	Hash       string
	Scopes     []string
	Queues     []string
	CreatedBy  string
	CreatedAt  int64
	ExpiresAt  *int64
	LastUsedAt *int64
	RevokedAt  *int64
}

// CreateAPIKey adds a key.
func (db *DB) CreateAPIKey(ctx context.Context, k *APIKey) error {
	_, err := db.write.NewInsert().Model(k).Exec(ctx)
	return wrap("create API key", err)
}

// APIKeyByPrefix returns the key with this prefix, or [ErrNotFound].
func (db *DB) APIKeyByPrefix(ctx context.Context, prefix string) (*APIKey, error) {
	k := new(APIKey)
	err := db.read.NewSelect().Model(k).Where("prefix = ?", prefix).Scan(ctx)
	return k, wrap("read API key", err)
}

// APIKeys returns up to limit keys from offset on, newest first, and how many
// there are in all.
func (db *DB) APIKeys(ctx context.Context, offset, limit int64) ([]APIKey, int64, error) {
	var keys []APIKey
	n, err := db.read.NewSelect().Model(&keys).Order("created_at DESC", "id DESC").
		Offset(offset).Limit(limit).ScanAndCount(ctx)
	return keys, n, wrap("list API keys", err)
}

// TouchAPIKey notes that a key was used, unless a use after since is noted already.
func (db *DB) TouchAPIKey(ctx context.Context, id string, now, since int64) error {
	_, err := db.write.NewUpdate().Model((*APIKey)(nil)).Set("last_used_at = ?", now).
		Where("id = ? AND (last_used_at IS NULL OR last_used_at < ?)", id, since).Exec(ctx)
	return wrap("note use of API key", err)
}

// RevokeAPIKey ends a key. It returns [ErrNotFound] if there is no valid one of this id.
func (db *DB) RevokeAPIKey(ctx context.Context, id string, now int64) error {
	res, err := db.write.NewUpdate().Model((*APIKey)(nil)).Set("revoked_at = ?", now).
		Where("id = ? AND revoked_at IS NULL", id).Exec(ctx)
	return oneRow("revoke API key", res, err)
}
