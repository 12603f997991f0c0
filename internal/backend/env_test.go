package backend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/store"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	adminEmail    = "admin@example.com"
	adminPassword = "correct horse battery"
)

// onEachDatabase runs a test against a backend on SQLite and one on PostgreSQL.
func onEachDatabase(t *testing.T, test func(t *testing.T, e *env)) {
	t.Helper()
	t.Parallel()
	for name, address := range map[string]func(testing.TB) string{"sqlite": testenv.SQLite, "postgres": testenv.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, address(t), testenv.RedisURL(t), backend.Options{AdminEmail: adminEmail, AdminPassword: adminPassword}))
		})
	}
}

// env is a backend on real stores, and a caller of it.
type env struct {
	url    string
	prefix string
	redis  *bullmq.Redis
	db     *store.DB
	server *backend.Server
	http   *http.Client
	// credential is sent as a bearer token unless a call says otherwise.
	credential string
}

// start starts a backend and signs its admin in, if it has one.
func start(t *testing.T, database, redisURL string, opts backend.Options) *env {
	t.Helper()
	e := &env{prefix: testenv.Prefix(t), http: &http.Client{Timeout: 30 * time.Second}}
	var err error
	e.db, err = store.Open(t.Context(), database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.db.Close()) })
	e.redis, err = bullmq.OpenRedis(t.Context(), redisURL, &bullmq.RedisOptions{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.redis.Close()) })

	opts.Store, opts.Redis, opts.Prefix, opts.Logger = e.db, e.redis, e.prefix, slog.New(slog.DiscardHandler)
	e.server, err = backend.New(t.Context(), opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.server.Run(ctx) }()
	listener := httptest.NewServer(e.server.Handler())
	t.Cleanup(func() {
		e.http.CloseIdleConnections()
		listener.Close()
		cancel()
		require.NoError(t, <-done)
	})
	e.url = listener.URL
	if opts.AdminEmail != "" {
		e.credential = login(t, e).AccessToken
	}
	return e
}

func login(t *testing.T, e *env) api.Session {
	t.Helper()
	var s api.Session
	e.call(t, "POST", "/auth/login", map[string]string{"email": adminEmail, "password": adminPassword}, anonymous).ok(t, 200, &s)
	return s
}

// with returns the same backend called with another credential.
func (e *env) with(credential string) *env {
	c := *e
	c.credential = credential
	return &c
}

// browser returns a caller that keeps cookies and sends nothing else.
func (e *env) browser(t *testing.T) *env {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := e.with("")
	c.http = &http.Client{Timeout: 30 * time.Second, Jar: jar, Transport: e.http.Transport}
	return c
}

// key makes an API key and returns the backend called with it.
func (e *env) key(t *testing.T, scopes []string, queues ...string) *env {
	t.Helper()
	var k api.CreatedAPIKey
	e.call(t, "POST", "/api-keys", map[string]any{"name": "k", "scopes": scopes, "queues": queues}).ok(t, 201, &k)
	return e.with(k.Key)
}

// queue makes a queue and returns its name.
func (e *env) queue(t *testing.T, name string) string {
	t.Helper()
	e.call(t, "POST", "/queues", map[string]string{"name": name}).ok(t, 201, nil)
	return name
}

// change changes a request before it is sent.
type change func(*http.Request)

func anonymous(r *http.Request) { r.Header.Del("Authorization") }

func header(name, value string) change {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request to a path below /api/v1, or to one that begins with //
// as it is. A body that is no string is sent as JSON.
func (e *env) call(t *testing.T, method, path string, body any, changes ...change) answer {
	t.Helper()
	a, err := e.try(t.Context(), method, path, body, changes...)
	require.NoError(t, err)
	return a
}

func (e *env) try(ctx context.Context, method, path string, body any, changes ...change) (answer, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(text)
	}
	target := e.url + "/api/v1" + path
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		target = e.url + "/" + rest
	}
	r, err := http.NewRequestWithContext(ctx, method, target, reader)
	if err != nil {
		return answer{}, err
	}
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if e.credential != "" {
		r.Header.Set("Authorization", "Bearer "+e.credential)
	}
	for _, c := range changes {
		c(r)
	}
	resp, err := e.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, text}, errors.Join(err, resp.Body.Close())
}

// ok checks the status of an answer and decodes its body.
func (a answer) ok(t *testing.T, status int, into any) answer {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	if into != nil {
		require.NoError(t, json.Unmarshal(a.body, into), "%s", a.body)
	}
	return a
}

// refused checks that an answer is a problem document with this status and
// code, which names these locations.
func (a answer) refused(t *testing.T, status int, code string, locations ...string) problem.Problem {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	require.Equal(t, problem.ContentType, a.header.Get("Content-Type"))
	var p problem.Problem
	require.NoError(t, json.Unmarshal(a.body, &p), "%s", a.body)
	require.Equal(t, code, p.Code, "%s", a.body)
	require.Equal(t, status, p.Status)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	require.NotEmpty(t, p.RequestID)
	require.Equal(t, p.RequestID, a.header.Get("X-Request-Id"))
	for _, location := range locations {
		found := false
		for _, f := range p.Errors {
			found = found || f.Location == location && f.Message != ""
		}
		require.True(t, found, "%s is not named in %s", location, a.body)
	}
	return p
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 20*time.Millisecond, what)
}

func escape(s string) string { return url.PathEscape(s) }
