package web

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// contentSecurityPolicy allows nothing but the binary's own files. Styles may
// be inline because the component library positions popups with style
// attributes; scripts never are.
const contentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// reserved are the path prefixes that belong to other handlers of the server.
// A wrong path below them must stay a 404 and never turn into the client's
// page, which a program would fail to parse.
var reserved = []string{"/api", "/admin", "/docs", "/openapi", "/healthz", "/readyz", "/metrics", "/assets"}

// Handler serves the embedded client: its files, precompressed where the
// request allows it, and index.html for every other page a browser asks for,
// so that the client's own routes survive a reload.
func Handler() http.Handler {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(fmt.Sprintf("web: embedded dist: %v", err)) // the folder's name is fixed above
	}
	return newHandler(dist)
}

type handler struct {
	assets map[string]*asset
}

func newHandler(dist fs.FS) http.Handler {
	assets, err := loadAssets(dist)
	if err != nil {
		panic(fmt.Sprintf("web: read dist: %v", err)) // files in memory cannot fail to read
	}
	return &handler{assets: assets}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header())

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}

	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	if found, ok := h.assets[name]; ok && name != indexName {
		serve(w, r, found)
		return
	}
	if !isPage(r) {
		http.NotFound(w, r)
		return
	}
	if index, ok := h.assets[indexName]; ok {
		serve(w, r, index)
		return
	}
	serveNotBuilt(w)
}

func setSecurityHeaders(header http.Header) {
	header.Set("Content-Security-Policy", contentSecurityPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
}

// isPage reports whether a browser asks for a page of the client, as opposed
// to a program that mistyped an API path or a page that names a missing file.
func isPage(r *http.Request) bool {
	for _, prefix := range reserved {
		if rest, ok := strings.CutPrefix(r.URL.Path, prefix); ok && (rest == "" || rest[0] == '/' || rest[0] == '.') {
			return false
		}
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func serve(w http.ResponseWriter, r *http.Request, found *asset) {
	header := w.Header()
	header.Set("Content-Type", found.contentType)
	header.Set("Cache-Control", found.cacheControl)

	chosen := found.plain
	if found.compressed() {
		header.Add("Vary", "Accept-Encoding")
		chosen = found.choose(r.Header.Get("Accept-Encoding"))
	}
	if chosen.encoding != "" {
		header.Set("Content-Encoding", chosen.encoding)
	}
	header.Set("ETag", chosen.etag)
	// The modification time of an embedded file is zero, so the ETag decides.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(chosen.body))
}

func serveNotBuilt(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(notBuiltPage)) // a reader that left cannot be told
}

const notBuiltPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>JobRunner: client not built</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem; color-scheme: light dark }
  code { font-family: ui-monospace, monospace }
</style>
<h1>The web client is not in this binary</h1>
<p>The backend runs, but it was compiled before the client was built.
Run <code>make build</code> and start <code>bin/jobrunner</code> again.</p>
<p>The API is at <a href="/docs">/docs</a>.</p>
</html>
`
