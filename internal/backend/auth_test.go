package backend_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

var credentials = map[string]string{"email": adminEmail, "password": adminPassword}

func TestRequestsWithoutAValidCredentialAreRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		for name, tt := range map[string]struct {
			change change
			code   string
		}{
			"nothing":          {anonymous, "unauthenticated"},
			"garbage":          {header("Authorization", "Bearer x"), "token_invalid"},
			"another scheme":   {header("Authorization", "Basic YTpi"), "token_invalid"},
			"no token":         {header("Authorization", "Bearer "), "token_invalid"},
			"unsigned token":   {header("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2JydW5uZXIifQ."), "token_invalid"},
			"unknown key":      {header("X-API-Key", "jr_abcdefghij_secret"), "key_invalid"},
			"key as bearer":    {header("Authorization", "Bearer jr_abcdefghij_secret"), "key_invalid"},
			"no key":           {header("X-API-Key", "abc"), "key_invalid"},
			"a tampered token": {header("Authorization", "Bearer "+e.credential+"x"), "token_invalid"},
		} {
			a := e.call(t, "GET", "/queues", nil, tt.change)
			a.refused(t, 401, tt.code)
			require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer", name)
		}
	})
}

func TestAWrongPasswordIsRefusedAndGuessingIsSlowedDown(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		wrong := map[string]string{"email": adminEmail, "password": "wrong password"}
		for range 5 {
			e.call(t, "POST", "/auth/login", wrong, anonymous).refused(t, 401, "credentials_invalid")
		}
		a := e.call(t, "POST", "/auth/login", credentials, anonymous)
		a.refused(t, 429, "too_many_attempts")
		require.NotEmpty(t, a.header.Get("Retry-After"))
		unknown := map[string]string{"email": "other@example.com", "password": "wrong password"}
		e.call(t, "POST", "/auth/login", unknown, anonymous).refused(t, 401, "credentials_invalid")
	})
}

func TestABrowserSignsInRefreshesAndSignsOut(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		b := e.browser(t)
		a := b.call(t, "POST", "/auth/login", credentials)
		a.ok(t, 200, nil)
		cookies := (&http.Response{Header: a.header}).Cookies()
		require.Len(t, cookies, 2)
		for _, c := range cookies {
			require.True(t, c.HttpOnly)
			require.Equal(t, http.SameSiteStrictMode, c.SameSite)
			require.Equal(t, map[string]string{"jobrunner_access": "/", "jobrunner_refresh": "/api/v1/auth"}[c.Name], c.Path)
		}
		b.call(t, "GET", "/auth/me", nil).ok(t, 200, nil)
		b.call(t, "POST", "/auth/refresh", nil).ok(t, 200, nil)
		b.call(t, "POST", "/auth/refresh", nil).ok(t, 200, nil)
		b.call(t, "GET", "/auth/me", nil).ok(t, 200, nil)
		b.call(t, "POST", "/auth/logout", nil).ok(t, 204, nil)
		b.call(t, "GET", "/auth/me", nil).refused(t, 401, "unauthenticated")
		b.call(t, "POST", "/auth/refresh", nil).refused(t, 401, "unauthenticated")
	})
}

func TestAnAccessTokenEndsWithItsSession(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.call(t, "GET", "/auth/me", nil).ok(t, 200, nil)
		e.call(t, "POST", "/auth/logout", nil).ok(t, 204, nil)
		e.call(t, "GET", "/auth/me", nil).refused(t, 401, "session_ended")
	})
}

func TestAnExpiredAccessTokenIsRefused(t *testing.T) {
	t.Parallel()
	e := start(t, testenv.SQLite(t), testenv.RedisURL(t), backend.Options{
		AdminEmail: adminEmail, AdminPassword: adminPassword, AccessTokenTTL: time.Second,
	})
	eventually(t, "the token expires", func() bool { return e.call(t, "GET", "/auth/me", nil).status == 401 })
	e.call(t, "GET", "/auth/me", nil).refused(t, 401, "token_expired")
}

func TestAStolenRefreshTokenEndsTheSession(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		b := e.browser(t)
		a := b.call(t, "POST", "/auth/login", credentials)
		stolen := cookie(t, a, "jobrunner_refresh")
		b.call(t, "POST", "/auth/refresh", nil).ok(t, 200, nil)
		e.call(t, "POST", "/auth/refresh", nil, anonymous, header("Cookie", "jobrunner_refresh="+stolen)).
			refused(t, 401, "refresh_token_reused")
		b.call(t, "GET", "/auth/me", nil).refused(t, 401, "session_ended")
		b.call(t, "POST", "/auth/refresh", nil).refused(t, 401, "session_ended")
	})
}

func cookie(t *testing.T, a answer, name string) string {
	t.Helper()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	require.Fail(t, "no cookie "+name)
	return ""
}

func TestAnotherSitesPageCannotUseTheCookies(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		b := e.browser(t)
		b.call(t, "POST", "/auth/login", credentials).ok(t, 200, nil)
		body := map[string]string{"name": "q"}
		for _, foreign := range []change{header("Origin", "https://evil.example"), header("Sec-Fetch-Site", "cross-site")} {
			b.call(t, "POST", "/queues", body, foreign).refused(t, 403, "cross_origin")
			b.call(t, "POST", "/auth/login", credentials, foreign).refused(t, 403, "cross_origin")
			b.call(t, "POST", "/auth/refresh", nil, foreign).refused(t, 403, "cross_origin")
			b.call(t, "GET", "/queues", nil, foreign).ok(t, 200, nil)
		}
		b.call(t, "POST", "/queues", body, header("Sec-Fetch-Site", "same-origin")).ok(t, 201, nil)
		e.call(t, "POST", "/queues", body, header("Origin", "https://elsewhere.example")).ok(t, 200, nil)
	})
}

func TestAPIKeysAreMadeUsedAndRevoked(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		var k api.CreatedAPIKey
		a := e.call(t, "POST", "/api-keys", map[string]any{"name": "ci", "scopes": []string{"jobs:*", "queues:read"}, "queues": []string{"mail-*"}})
		a.ok(t, 201, &k)
		require.Equal(t, "/api/v1/api-keys/"+k.ID, a.header.Get("Location"))
		require.Regexp(t, "^jr_"+k.Prefix+"_[A-Z2-7]{26}$", k.Key)
		require.Equal(t, []string{"jobs:read", "jobs:write", "queues:read"}, texts(k.Scopes))

		var me api.Principal
		e.call(t, "GET", "/auth/me", nil, anonymous, header("X-API-Key", k.Key)).ok(t, 200, &me)
		require.EqualValues(t, "api-key", me.Kind)
		require.Equal(t, []string{"mail-*"}, me.Queues)
		e.with(k.Key).call(t, "GET", "/auth/me", nil).ok(t, 200, nil)
		e.with(k.Key+"x").call(t, "GET", "/auth/me", nil).refused(t, 401, "key_invalid")

		var list api.Page[api.APIKey]
		raw := e.call(t, "GET", "/api-keys", nil).ok(t, 200, &list)
		require.Len(t, list.Items, 1)
		require.NotNil(t, list.Items[0].LastUsedAt)
		require.NotContains(t, string(raw.body), k.Key)

		e.call(t, "DELETE", "/api-keys/"+k.ID, nil).ok(t, 204, nil)
		e.call(t, "DELETE", "/api-keys/"+k.ID, nil).refused(t, 404, "api_key_not_found", "path.id")
		e.with(k.Key).call(t, "GET", "/auth/me", nil).refused(t, 401, "key_revoked")
	})
}

func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

func TestAnExpiredKeyIsRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		var k api.CreatedAPIKey
		soon := time.Now().Add(500 * time.Millisecond).UnixMilli()
		e.call(t, "POST", "/api-keys", map[string]any{"name": "k", "scopes": []string{"jobs:read"}, "expiresAt": soon}).ok(t, 201, &k)
		key := e.with(k.Key)
		eventually(t, "the key expires", func() bool { return key.call(t, "GET", "/auth/me", nil).status == 401 })
		key.call(t, "GET", "/auth/me", nil).refused(t, 401, "key_expired")
	})
}

func TestNoKeyMayDoMoreThanItsMaker(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		maker := e.key(t, []string{"api-keys:admin", "jobs:read"}, "mail-*", "sms")
		create := func(scopes, queues []string) answer {
			return maker.call(t, "POST", "/api-keys", map[string]any{"name": "k", "scopes": scopes, "queues": queues})
		}
		create([]string{"jobs:read"}, []string{"mail-in", "mail-out-*", "sms"}).ok(t, 201, nil)
		create([]string{"jobs:write"}, []string{"sms"}).refused(t, 403, "missing_scope", "body.scopes")
		create([]string{"jobs:read"}, nil).refused(t, 403, "queue_forbidden", "body.queues")
		create([]string{"jobs:read"}, []string{"sms", "m*"}).refused(t, 403, "queue_forbidden", "body.queues[1]")
		e.call(t, "POST", "/api-keys", map[string]any{"name": "k", "scopes": []string{"jobs:read", "x:y"}}).
			refused(t, 422, "validation_failed", "body.scopes[1]")
		e.call(t, "POST", "/api-keys", map[string]any{"name": "k", "scopes": []string{"jobs:read"}, "expiresAt": 1}).
			refused(t, 422, "validation_failed", "body.expiresAt")
	})
}

func TestAKeySeesOnlyItsQueuesAndUsesOnlyItsScopes(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "mail-in")
		e.queue(t, "secret")
		key := e.key(t, []string{"jobs:read", "queues:read", "schedules:read", "system:read"}, "mail-*")
		var list api.Page[api.Queue]
		key.call(t, "GET", "/queues", nil).ok(t, 200, &list)
		require.Len(t, list.Items, 1)
		require.Equal(t, "mail-in", list.Items[0].Name)
		var stats api.Stats
		key.call(t, "GET", "/stats", nil).ok(t, 200, &stats)
		require.Equal(t, 1, stats.Queues)
		key.call(t, "GET", "/queues/secret", nil).refused(t, 403, "queue_forbidden", "path.queue")
		key.call(t, "GET", "/queues/secret/jobs", nil).refused(t, 403, "queue_forbidden", "path.queue")
		key.call(t, "POST", "/queues/mail-in/jobs", map[string]string{"name": "x"}).refused(t, 403, "missing_scope")
		key.call(t, "POST", "/queues/mail-in/pause", nil).refused(t, 403, "missing_scope")
		key.call(t, "GET", "/api-keys", nil).refused(t, 403, "missing_scope")
		e.key(t, []string{"queues:admin"}, "mail-*").call(t, "POST", "/queues", map[string]string{"name": "other"}).
			refused(t, 403, "queue_forbidden", "body.name")
	})
}
