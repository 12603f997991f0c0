package backend_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestTheAPIDescribesItself(t *testing.T) {
	t.Parallel()
	e := start(t, testenv.SQLite(t), testenv.RedisURL(t), backend.Options{Version: "1.2.3"})
	var doc struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]json.RawMessage
	}
	e.call(t, "GET", "//openapi.json", nil).ok(t, 200, &doc)
	require.Equal(t, "3.1.0", doc.OpenAPI)
	require.Equal(t, "1.2.3", doc.Info.Version)
	require.Contains(t, doc.Paths, "/api/v1/queues/{queue}/jobs")
	page := e.call(t, "GET", "//docs", nil).ok(t, 200, nil)
	require.Contains(t, string(page.body), "/api/v1/queues/{queue}/jobs")
	require.False(t, regexp.MustCompile(`<script|(src|href)="(https?:)?//`).Match(page.body), "the page needs nothing from elsewhere")
	require.Contains(t, page.header.Get("Content-Security-Policy"), "style-src 'self'")
	e.call(t, "GET", "//docs/style.css", nil).ok(t, 200, nil)
}

func TestAnswersCarrySecurityHeaders(t *testing.T) {
	t.Parallel()
	e := start(t, testenv.SQLite(t), testenv.RedisURL(t), backend.Options{})
	a := e.call(t, "GET", "/queues", nil, header("X-Request-Id", "abc.1"))
	a.refused(t, 401, "unauthenticated")
	require.Equal(t, "abc.1", a.header.Get("X-Request-Id"))
	require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	require.Contains(t, a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	a = e.call(t, "GET", "/queues", nil, header("X-Request-Id", "bad id\t"))
	require.Regexp(t, "^[a-z0-9]{16}$", a.header.Get("X-Request-Id"))
}

func TestOtherPathsBelongToTheWebClient(t *testing.T) {
	t.Parallel()
	web := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("oops")
		}
		_, _ = w.Write([]byte("client " + r.URL.Path))
	})
	e := start(t, testenv.SQLite(t), testenv.RedisURL(t), backend.Options{Web: web})
	require.Equal(t, "client /queues/mail", string(e.call(t, "GET", "//queues/mail", nil).ok(t, 200, nil).body))
	e.call(t, "GET", "//api/v2/x", nil).refused(t, 404, "route_not_found")
	e.call(t, "GET", "//panic", nil).refused(t, 500, "internal")
	e.call(t, "GET", "//healthz", nil).ok(t, 200, nil)
}

func TestBullBoardShowsTheQueuesToWhoMaySeeThem(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "mail")
		var list struct{ Queues []struct{ Name string } }
		e.call(t, "GET", "//admin/queues/api/queues", nil).ok(t, 200, &list)
		require.Len(t, list.Queues, 1)
		require.Equal(t, "mail", list.Queues[0].Name)
		require.Equal(t, 401, e.call(t, "GET", "//admin/queues/api/queues", nil, anonymous).status)
	})
}
