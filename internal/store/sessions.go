package store

import (
	"context"
	"errors"

	"github.com/uptrace/bun"
)

// ErrTokenReused says that a refresh token had been used before.
var ErrTokenReused = errors.New("refresh token was used before")

// Session is one sign-in of a user, and the family of refresh tokens that
// follow from it.
type Session struct {
	bun.BaseModel `bun:"table:sessions"`

	ID        string `bun:",pk"`
	UserID    string
	UserAgent string
	Address   string
	CreatedAt int64
	ExpiresAt int64
	EndedAt   *int64
}

// RefreshToken is one refresh token of a session, known by its hash.
type RefreshToken struct {
	bun.BaseModel `bun:"table:refresh_tokens"`

	Hash      string `bun:",pk"`
	SessionID string
	CreatedAt int64
	UsedAt    *int64
}

// CreateSession adds a session with its first refresh token, and removes the
// user's sessions that have expired.
func (db *DB) CreateSession(ctx context.Context, s *Session, tokenHash string) error {
	return db.tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*Session)(nil)).
			Where("user_id = ? AND expires_at < ?", s.UserID, s.CreatedAt).Exec(ctx)
		if err != nil {
			return wrap("remove expired sessions", err)
		}
		if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
			return wrap("create session", err)
		}
		_, err = tx.NewInsert().Model(&RefreshToken{Hash: tokenHash, SessionID: s.ID, CreatedAt: s.CreatedAt}).Exec(ctx)
		return wrap("create refresh token", err)
	})
}

// SessionUser returns the user of a session that lives at the given time, or
// [ErrNotFound].
func (db *DB) SessionUser(ctx context.Context, sessionID string, now int64) (*User, error) {
	u := new(User)
	err := db.read.NewSelect().Model(u).
		Join("JOIN sessions AS s ON s.user_id = ?TableAlias.id").
		Where("s.id = ? AND s.ended_at IS NULL AND s.expires_at > ? AND ?TableAlias.disabled_at IS NULL", sessionID, now).
		Scan(ctx)
	return u, wrap("read user of session", err)
}

// RotateRefreshToken uses up a refresh token, adds the one that follows it and
// makes the session live until expires. If the token was used before, it ends
// the session and returns [ErrTokenReused]; [ErrNotFound] stands for a token that
// is unknown or whose session is over.
func (db *DB) RotateRefreshToken(ctx context.Context, oldHash, newHash string, now, expires int64) (*Session, error) {
	s := new(Session)
	reused := false
	err := db.tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model((*RefreshToken)(nil)).Set("used_at = ?", now).
			Where("hash = ? AND used_at IS NULL", oldHash).Exec(ctx)
		if err != nil {
			return wrap("use refresh token", err)
		}
		fresh, err := res.RowsAffected()
		if err != nil {
			return wrap("use refresh token", err)
		}
		old := new(RefreshToken)
		if err := tx.NewSelect().Model(old).Where("hash = ?", oldHash).Scan(ctx); err != nil {
			return wrap("read refresh token", err)
		}
		if fresh == 0 {
			reused = true
			return endSession(ctx, tx, old.SessionID, now)
		}
		if err := tx.NewSelect().Model(s).
			Where("id = ? AND ended_at IS NULL AND expires_at > ?", old.SessionID, now).Scan(ctx); err != nil {
			return wrap("read session", err)
		}
		s.ExpiresAt = expires
		if _, err := tx.NewUpdate().Model(s).Column("expires_at").WherePK().Exec(ctx); err != nil {
			return wrap("extend session", err)
		}
		_, err = tx.NewInsert().Model(&RefreshToken{Hash: newHash, SessionID: s.ID, CreatedAt: now}).Exec(ctx)
		return wrap("create refresh token", err)
	})
	if err == nil && reused {
		return nil, ErrTokenReused
	}
	return s, err
}

// EndSession ends a session. One that is over or unknown is left as it is.
func (db *DB) EndSession(ctx context.Context, id string, now int64) error {
	return endSession(ctx, db.write, id, now)
}

// EndSessionOfToken ends the session a refresh token belongs to, if there is one.
func (db *DB) EndSessionOfToken(ctx context.Context, tokenHash string, now int64) error {
	_, err := db.write.NewUpdate().Model((*Session)(nil)).Set("ended_at = ?", now).
		Where("id IN (SELECT session_id FROM refresh_tokens WHERE hash = ?) AND ended_at IS NULL", tokenHash).Exec(ctx)
	return wrap("end session", err)
}

func endSession(ctx context.Context, db bun.IDB, id string, now int64) error {
	_, err := db.NewUpdate().Model((*Session)(nil)).Set("ended_at = ?", now).
		Where("id = ? AND ended_at IS NULL", id).Exec(ctx)
	return wrap("end session", err)
}
