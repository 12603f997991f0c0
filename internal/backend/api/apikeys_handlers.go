package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

func (s *service) listKeys(ctx context.Context, in *PageQuery) (*pageOutput[APIKey], error) {
	from, err := in.offset("api-keys")
	if err != nil {
		return nil, err
	}
	rows, total, err := s.opts.Auth.Keys(ctx, from, int64(in.Limit))
	if err != nil {
		return nil, err
	}
	keys := make([]APIKey, len(rows))
	for i := range rows {
		keys[i] = newAPIKey(&rows[i])
	}
	return partOf(keys, "api-keys", from, total), nil
}

func (s *service) createKey(ctx context.Context, in *createKeyInput) (*createKeyOutput, error) {
	k := auth.NewKey{Name: in.Body.Name, Scopes: in.Body.Scopes, Queues: in.Body.Queues}
	if in.Body.ExpiresAt != nil {
		k.ExpiresAt = time.UnixMilli(*in.Body.ExpiresAt)
	}
	row, key, err := s.opts.Auth.CreateKey(ctx, auth.FromContext(ctx), k)
	if err != nil {
		return nil, err
	}
	return &createKeyOutput{
		Location: basePath + "/api-keys/" + row.ID,
		Body:     CreatedAPIKey{APIKey: newAPIKey(row), Key: key},
	}, nil
}

func (s *service) revokeKey(ctx context.Context, in *keyInput) (*struct{}, error) {
	err := s.opts.Auth.RevokeKey(ctx, in.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem.Field(http.StatusNotFound, "api_key_not_found", "path.id", "There is no valid API key of this id.")
	}
	return nil, err
}

func newAPIKey(k *store.APIKey) APIKey {
	scopes := make([]auth.Scope, len(k.Scopes))
	for i, scope := range k.Scopes {
		scopes[i] = auth.Scope(scope)
	}
	return APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scopes: scopes, Queues: append([]string{}, k.Queues...),
		CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
}
