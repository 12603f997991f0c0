package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
)

const (
	// keyTTL is how long an Idempotency-Key is remembered.
	keyTTL = 24 * time.Hour
	// pendingTTL is how long a key is held by a request whose end is unknown: it
	// outlasts every request, and then the key is free again.
	pendingTTL = time.Minute
)

// idempotentRecord is what Redis keeps of a request with an Idempotency-Key.
type idempotentRecord struct {
	// Body is the hash of the request's body.
	Body string `json:"body"`
	// Result is what the request made, nil while it runs.
	Result json.RawMessage `json:"result,omitempty"`
}

// idempotently runs create, unless a request with the same key, principal and
// target has done so before; then it returns what that one made, and true. A key
// that comes with another body is refused. Without a key it just runs create.
func idempotently[T any](
	ctx context.Context, s *service, in IdempotencyHeader, target string, body any, create func(context.Context) (T, error),
) (result T, again bool, err error) {
	if in.IdempotencyKey == "" {
		result, err = create(ctx)
		return result, false, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return result, false, fmt.Errorf("encode body: %w", err)
	}
	sum := sha256.Sum256(text)
	record := idempotentRecord{Body: hex.EncodeToString(sum[:])}
	key := idempotencyKey(s.opts.Prefix, auth.FromContext(ctx), target, in.IdempotencyKey)
	old, err := s.claim(ctx, key, record)
	if err != nil {
		return result, false, err
	}
	if old != nil {
		return repeated[T](old, record.Body)
	}
	if result, err = create(ctx); err != nil {
		s.release(ctx, key, err)
		return result, false, err
	}
	if record.Result, err = json.Marshal(result); err != nil {
		return result, false, fmt.Errorf("encode result: %w", err)
	}
	s.settle(ctx, key, record)
	return result, false, nil
}

func repeated[T any](old *idempotentRecord, body string) (result T, again bool, err error) {
	switch {
	case old.Body != body:
		return result, false, problem.Field(http.StatusUnprocessableEntity, "idempotency_key_reused", "header.Idempotency-Key",
			"This key came with another body before; take a new one for each thing to make.")
	case old.Result == nil:
		return result, false, problem.Field(http.StatusConflict, "idempotency_key_in_use", "header.Idempotency-Key",
			"A request with this key is under way.").RetryAfter(time.Second)
	}
	if err := json.Unmarshal(old.Result, &result); err != nil {
		return result, false, fmt.Errorf("decode result of an earlier request: %w", err)
	}
	return result, true, nil
}

func idempotencyKey(prefix string, p *auth.Principal, target, key string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s\n%s", p.Kind, p.ID, target, key))
	return "jobrunner:idem:" + prefix + ":" + hex.EncodeToString(sum[:])
}

// claim takes the key for this request, or returns the record of the one that has it.
func (s *service) claim(ctx context.Context, key string, record idempotentRecord) (*idempotentRecord, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	client := s.opts.Redis.Client()
	for ctx.Err() == nil {
		err := client.Do(ctx, client.B().Set().Key(key).Value(rueidis.BinaryString(text)).Nx().Px(pendingTTL).Build()).Error()
		if err == nil {
			return nil, nil //nolint:nilnil // there was no record
		}
		if !rueidis.IsRedisNil(err) {
			return nil, fmt.Errorf("claim idempotency key: %w", err)
		}
		stored, err := client.Do(ctx, client.B().Get().Key(key).Build()).AsBytes()
		if rueidis.IsRedisNil(err) {
			continue // it has just gone
		}
		if err != nil {
			return nil, fmt.Errorf("read idempotency key: %w", err)
		}
		old := new(idempotentRecord)
		return old, json.Unmarshal(stored, old)
	}
	return nil, ctx.Err()
}

// settle stores what the request made. If it can't, the key is forgotten in a
// minute: the thing is made, so the request must not fail.
func (s *service) settle(ctx context.Context, key string, record idempotentRecord) {
	text, err := json.Marshal(record)
	if err == nil {
		client := s.opts.Redis.Client()
		err = client.Do(ctx, client.B().Set().Key(key).Value(rueidis.BinaryString(text)).Px(keyTTL).Build()).Error()
	}
	if err != nil {
		s.opts.Logger.WarnContext(ctx, "idempotency key not stored", slog.Any("error", err))
	}
}

// release frees the key of a request that was refused. One that was cut off may
// have been carried out, so its key stays taken for a while.
func (s *service) release(ctx context.Context, key string, cause error) {
	if unavailable(cause) {
		return
	}
	client := s.opts.Redis.Client()
	err := client.Do(context.WithoutCancel(ctx), client.B().Del().Key(key).Build()).Error()
	if err != nil && !errors.Is(err, context.Canceled) {
		s.opts.Logger.WarnContext(ctx, "idempotency key not released", slog.Any("error", err))
	}
}
