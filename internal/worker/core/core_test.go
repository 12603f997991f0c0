package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// coreContext is a handler.Context that keeps the progress.
type coreContext struct {
	*handlertest.Context
	progress []any
}

func (c *coreContext) Progress(value any) { c.progress = append(c.progress, value) }

func run(t *testing.T, ctx context.Context, opts core.Options, name, data string) (string, *coreContext, error) {
	t.Helper()
	definitions, err := core.Definitions(opts)
	require.NoError(t, err)
	for _, d := range definitions {
		if d.Name == name {
			c := &coreContext{Context: handlertest.New(ctx, handler.Job{Name: name, Data: json.RawMessage(data)})}
			result, err := d.Run(c)
			return string(result), c, err
		}
	}
	require.Fail(t, "no such handler", name)
	return "", nil, nil
}

func TestEverySchemaCompilesAndNamesItsFields(t *testing.T) {
	t.Parallel()
	definitions, err := core.Definitions(core.Options{})
	require.NoError(t, err)
	names := []string{}
	for _, d := range definitions {
		names = append(names, d.Name)
		require.NotEmpty(t, d.Description, d.Name)
		for _, schema := range []json.RawMessage{d.DataSchema, d.ResultSchema} {
			if schema != nil {
				_, err := catalogue.CompileSchema(schema)
				require.NoError(t, err, d.Name)
			}
		}
	}
	require.Equal(t, []string{"echo", "sleep", "http-request", "data-export", "list-handlers"}, names)
}

func TestEchoReturnsTheData(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"a":[1,"<"]}`, `null`, `5`} {
		result, _, err := run(t, t.Context(), core.Options{}, "echo", data)
		require.NoError(t, err)
		require.JSONEq(t, data, result)
	}
}

func TestSleepReportsProgressAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	_, ctx, err := run(t, t.Context(), core.Options{}, "sleep", `{"ms":8,"steps":4}`)
	require.NoError(t, err)
	require.Equal(t, []any{int64(25), int64(50), int64(75), int64(100)}, ctx.progress)

	errStop := errors.New("stop")
	stopped, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errStop)
	defer cancel()
	_, _, err = run(t, stopped, core.Options{}, "sleep", `{"ms":600000}`)
	require.ErrorIs(t, err, errStop)
}

func TestListHandlersListsWhatTheWorkerHas(t *testing.T) {
	t.Parallel()
	result, _, err := run(t, t.Context(), core.Options{Handlers: func() []catalogue.Handler {
		return []catalogue.Handler{
			{Name: "a", Version: "1+x", Kind: catalogue.KindCustom, Language: "python"},
			{Name: "b", Kind: catalogue.KindCustom, Language: "javascript", Error: &catalogue.LoadError{Message: "broken"}},
		}
	}}, "list-handlers", `{}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"handlers":[{"name":"a","version":"1+x","kind":"custom","language":"python"},
		{"name":"b","version":"","kind":"custom","language":"javascript","error":"broken"}]}`, result)
}

func loopback(t *testing.T, serve http.HandlerFunc) (string, core.Options) {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return server.URL, core.Options{MaxResponseBytes: 1000, Dialer: safedial.New(safedial.Options{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})}
}

func TestHTTPRequestSendsWhatTheJobSays(t *testing.T) {
	t.Parallel()
	url, opts := loopback(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{
			"method": r.Method, "body": string(body), "type": r.Header.Get("Content-Type"), "token": r.Header.Get("X-Token"),
		})
	})
	tests := map[string]string{
		`{"url":"` + url + `"}`: `{"method":"GET","body":"","type":"","token":""}`,
		`{"url":"` + url + `","method":"POST","body":{"a":1},"headers":{"X-Token":"t"}}`: `{"method":"POST","body":"{\"a\":1}","type":"application/json","token":"t"}`,
		`{"url":"` + url + `","method":"PUT","body":"text"}`:                             `{"method":"PUT","body":"text","type":"text/plain; charset=utf-8","token":""}`,
	}
	for data, want := range tests {
		text, _, err := run(t, t.Context(), opts, "http-request", data)
		require.NoError(t, err)
		var result struct {
			Status   int
			Body     json.RawMessage
			Encoding string
		}
		require.NoError(t, json.Unmarshal([]byte(text), &result))
		require.Equal(t, 200, result.Status)
		require.Equal(t, "json", result.Encoding)
		require.JSONEq(t, want, string(result.Body))
	}
}

func TestHTTPRequestFailures(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	url, opts := loopback(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.Error(w, "nothing here", http.StatusNotFound)
		case "/broken":
			http.Error(w, "try later", http.StatusBadGateway)
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", 1001))
		case "/redirect":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		case "/hang":
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	})
	tests := map[string]struct {
		data, want string
		forGood    bool
	}{
		"client's mistake":    {`{"url":"` + url + `/missing"}`, "the server answered 404 Not Found: nothing here", true},
		"server's mistake":    {`{"url":"` + url + `/broken"}`, "the server answered 502 Bad Gateway: try later", false},
		"too large":           {`{"url":"` + url + `/large"}`, "more than the 1000 bytes allowed", true},
		"redirect to private": {`{"url":"` + url + `/redirect"}`, "not allowed", true},
		"private address":     {`{"url":"http://10.0.0.1/"}`, "not allowed", true},
		"private by name":     {`{"url":"http://localhost:1/"}`, "not allowed", true},
		"file":                {`{"url":"file:///etc/passwd"}`, "not allowed", true},
		"no answer in time":   {`{"url":"` + url + `/hang","timeoutMs":50}`, "no complete response within 50ms", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := opts
			if name == "private by name" {
				o.Dialer = nil
			}
			_, _, err := run(t, t.Context(), o, "http-request", tt.data)
			require.ErrorContains(t, err, tt.want)
			require.Equal(t, tt.forGood, bullmq.IsUnrecoverable(err))
		})
	}
	text, _, err := run(t, t.Context(), opts, "http-request", `{"url":"`+url+`/missing","anyStatus":true}`)
	require.NoError(t, err)
	require.Contains(t, text, `"status":404`)
}
