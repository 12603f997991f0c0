package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

const (
	keyMark = "jr_"
	// touchInterval is how exactly the last use of a key is known.
	touchInterval = time.Minute
)

// NewKey describes an API key to make.
type NewKey struct {
	Name string
	// Scopes are permissions, or "<resource>:*".
	Scopes []string
	// Queues are patterns of queue names; none means all queues.
	Queues []string
	// ExpiresAt is when the key ends. Zero means never.
	ExpiresAt time.Time
}

// CreateKey makes an API key and returns it with its only copy in clear text.
// Nobody can make a key that may do more than they may themselves.
func (s *Service) CreateKey(ctx context.Context, by *Principal, k NewKey) (*store.APIKey, string, error) {
	scopes, err := keyScopes(by, k.Scopes)
	if err != nil {
		return nil, "", err
	}
	if err := checkKeyQueues(by, k.Queues); err != nil {
		return nil, "", err
	}
	now := s.opts.Now()
	if !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(now) {
		return nil, "", problem.Field(http.StatusUnprocessableEntity, "validation_failed", "body.expiresAt", "The expiry must be in the future.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, "", err
	}
	prefix := strings.ToLower(rand.Text()[:10])
	key := keyMark + prefix + "_" + rand.Text()
	row := &store.APIKey{
		ID: id.String(), Name: k.Name, Prefix: prefix, Hash: hashToken(key), Scopes: scopes,
		Queues: append([]string{}, k.Queues...), CreatedBy: by.ID, CreatedAt: now.UnixMilli(),
	}
	if !k.ExpiresAt.IsZero() {
		at := k.ExpiresAt.UnixMilli()
		row.ExpiresAt = &at
	}
	return row, key, s.opts.Store.CreateAPIKey(ctx, row)
}

func keyScopes(by *Principal, texts []string) ([]string, error) {
	scopes, unknown := ParseScopes(texts)
	if unknown != "" {
		i := slices.Index(texts, unknown)
		return nil, problem.Field(http.StatusUnprocessableEntity, "validation_failed", fmt.Sprintf("body.scopes[%d]", i), "There is no scope of this name.")
	}
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		if !by.Has(scope) {
			return nil, problem.Field(http.StatusForbidden, "missing_scope", "body.scopes",
				fmt.Sprintf("A key can't have the scope %s, which its maker has not.", scope))
		}
		names[i] = string(scope)
	}
	return names, nil
}

// checkKeyQueues allows patterns that match no queue that by may not use. A
// pattern that matches another one as text matches all that the other matches.
func checkKeyQueues(by *Principal, patterns []string) error {
	if len(by.Queues) > 0 && len(patterns) == 0 {
		return problem.Field(http.StatusForbidden, "queue_forbidden", "body.queues", "A key can't use more queues than its maker.")
	}
	for i, pattern := range patterns {
		if !by.SeesQueue(pattern) {
			return problem.Field(http.StatusForbidden, "queue_forbidden", fmt.Sprintf("body.queues[%d]", i), "A key can't use more queues than its maker.")
		}
	}
	return nil
}

// Keys returns up to limit API keys from offset on, newest first, and how many
// there are in all.
func (s *Service) Keys(ctx context.Context, offset, limit int64) ([]store.APIKey, int64, error) {
	return s.opts.Store.APIKeys(ctx, offset, limit)
}

// RevokeKey ends an API key. It returns [store.ErrNotFound] if no valid key has this id.
func (s *Service) RevokeKey(ctx context.Context, id string) error {
	return s.opts.Store.RevokeAPIKey(ctx, id, s.opts.Now().UnixMilli())
}

// verifyKey returns who an API key stands for.
func (s *Service) verifyKey(ctx context.Context, key string) (*Principal, error) {
	invalid := unauthorized("key_invalid", "The API key is not valid.")
	rest, ok := strings.CutPrefix(key, keyMark)
	prefix, _, cut := strings.Cut(rest, "_")
	if !ok || !cut || len(key) > 200 {
		return nil, invalid
	}
	k, err := s.opts.Store.APIKeyByPrefix(ctx, prefix)
	if errors.Is(err, store.ErrNotFound) {
		return nil, invalid
	}
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	switch {
	case subtle.ConstantTimeCompare([]byte(k.Hash), []byte(hashToken(key))) != 1:
		return nil, invalid
	case k.RevokedAt != nil:
		return nil, unauthorized("key_revoked", "The API key has been revoked.")
	case k.ExpiresAt != nil && *k.ExpiresAt <= now.UnixMilli():
		return nil, unauthorized("key_expired", "The API key has expired.")
	}
	s.touch(ctx, k, now)
	scopes := make([]Scope, len(k.Scopes))
	for i, scope := range k.Scopes {
		scopes[i] = Scope(scope)
	}
	return &Principal{Kind: KindAPIKey, ID: k.ID, Name: k.Name, Scopes: scopes, Queues: k.Queues}, nil
}

// touch notes the use of a key, at most once in a while. A failure to do so
// must not fail the request.
func (s *Service) touch(ctx context.Context, k *store.APIKey, now time.Time) {
	since := now.Add(-touchInterval).UnixMilli()
	if k.LastUsedAt != nil && *k.LastUsedAt > since {
		return
	}
	if err := s.opts.Store.TouchAPIKey(ctx, k.ID, now.UnixMilli(), since); err != nil {
		s.opts.Logger.WarnContext(ctx, "use of API key not noted", slog.String("key_id", k.ID), slog.Any("error", err))
	}
}
