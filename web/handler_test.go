package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func builtClient() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":              {Data: nil},
		"index.html":            {Data: []byte("<!doctype html>client")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/app-1a2b.js":    {Data: []byte("plain script")},
		"assets/app-1a2b.js.br": {Data: []byte("br")},
		"assets/app-1a2b.js.gz": {Data: []byte("gz")},
	}
}

func get(t *testing.T, h http.Handler, method, target string, header map[string]string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, target, nil)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Result()
}

var fromBrowser = map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

func TestHandlerServesIndexForClientRoutes(t *testing.T) {
	t.Parallel()
	h := newHandler(builtClient())

	for _, target := range []string{"/", "/index.html", "/queues/mail?state=failed", "/apiary", "/queues/../login"} {
		response := get(t, h, http.MethodGet, target, fromBrowser)
		require.Equal(t, http.StatusOK, response.StatusCode, target)
		require.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"), target)
		require.Equal(t, "no-cache", response.Header.Get("Cache-Control"), target)
		require.Contains(t, response.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", target)
	}
}

func TestHandlerRefusesWhatIsNotAPage(t *testing.T) {
	t.Parallel()
	h := newHandler(builtClient())

	tests := map[string]struct {
		method, target string
		header         map[string]string
		want           int
	}{
		"unknown API path":          {http.MethodGet, "/api/v1/nope", fromBrowser, http.StatusNotFound},
		"the API root":              {http.MethodGet, "/api", fromBrowser, http.StatusNotFound},
		"OpenAPI in another format": {http.MethodGet, "/openapi.yaml", fromBrowser, http.StatusNotFound},
		"missing hashed file":       {http.MethodGet, "/assets/old-9f.js", fromBrowser, http.StatusNotFound},
		"a program's request":       {http.MethodGet, "/queues", map[string]string{"Accept": "application/json"}, http.StatusNotFound},
		"the marker file":           {http.MethodGet, "/.gitkeep", nil, http.StatusNotFound},
		"a compressed file by name": {http.MethodGet, "/assets/app-1a2b.js.br", nil, http.StatusNotFound},
		"POST to a page":            {http.MethodPost, "/queues", fromBrowser, http.StatusMethodNotAllowed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, get(t, h, tt.method, tt.target, tt.header).StatusCode)
		})
	}
}

func TestHandlerPicksTheSmallestAcceptedEncoding(t *testing.T) {
	t.Parallel()
	h := newHandler(builtClient())

	tests := map[string]struct{ accept, encoding, body string }{
		"brotli before gzip": {"gzip, deflate, br", "br", "br"},
		"gzip only":          {"gzip", "gzip", "gz"},
		"brotli refused":     {"br;q=0, gzip;q=0.5", "gzip", "gz"},
		"none":               {"", "", "plain script"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := get(t, h, http.MethodGet, "/assets/app-1a2b.js", map[string]string{"Accept-Encoding": tt.accept})
			require.Equal(t, tt.encoding, response.Header.Get("Content-Encoding"))
			require.Equal(t, "Accept-Encoding", response.Header.Get("Vary"))
			require.Equal(t, "public, max-age=31536000, immutable", response.Header.Get("Cache-Control"))
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, tt.body, string(body))
		})
	}
}

func TestHandlerAnswersNotModified(t *testing.T) {
	t.Parallel()
	h := newHandler(builtClient())

	first := get(t, h, http.MethodGet, "/", fromBrowser)
	again := get(t, h, http.MethodGet, "/queues", map[string]string{
		"Accept":        fromBrowser["Accept"],
		"If-None-Match": first.Header.Get("ETag"),
	})
	require.Equal(t, http.StatusNotModified, again.StatusCode)
}

func TestHandlerSaysHowToBuildTheClient(t *testing.T) {
	t.Parallel()
	h := newHandler(fstest.MapFS{".gitkeep": {}})

	response := get(t, h, http.MethodGet, "/queues", fromBrowser)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
}

func TestHandlerServesTheEmbeddedFolder(t *testing.T) {
	t.Parallel()
	response := get(t, Handler(), http.MethodGet, "/", fromBrowser)
	require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, response.StatusCode)
}
