package board

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

// pagePolicy lets the page run its own files only. Its theme and its index file
// have inline styles.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"font-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"

const notBuilt = `<!DOCTYPE html>
<html lang="en"><title>Bull Board is not built in</title>
<h1>Bull Board is not built in</h1>
<p>This program was built without the files of Bull Board. Run <code>make build</code> and start it again.</p>
`

var (
	// foreignLink matches what would load fonts from another host.
	foreignLink = regexp.MustCompile(`(?i)[ \t]*<link[^>]*href="https?://[^>]*>\n?`)
	// hashedName matches files whose name changes with their content.
	hashedName = regexp.MustCompile(`\.[0-9a-f]{8,}\.(?:js|css)$`)
)

// uiConfig is what the page is told about its server.
type uiConfig struct {
	BoardTitle   string    `json:"boardTitle"`
	MiscLinks    []uiLink  `json:"miscLinks"`
	HideDocsLink bool      `json:"hideDocsLink"`
	FavIcon      uiFavIcon `json:"favIcon"`
}

type uiLink struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

type uiFavIcon struct {
	Default     string `json:"default"`
	Alternative string `json:"alternative"`
}

// renderPage fills in the package's index file, nil if there is none.
func renderPage(files fs.FS, mount string) ([]byte, error) {
	text, err := fs.ReadFile(files, "index.ejs")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("board: read the page: %w", err)
	}
	config := uiConfig{
		BoardTitle: "JobRunner queues", HideDocsLink: true, MiscLinks: []uiLink{{"Back to JobRunner", "/"}},
		FavIcon: uiFavIcon{"static/images/logo.svg", "static/favicon-32x32.png"},
	}
	encoded, err := json.Marshal(config) // also keeps < and > from ending the script element
	if err != nil {
		return nil, fmt.Errorf("board: write the page's settings: %w", err)
	}
	filled := strings.NewReplacer(
		"<%= basePath %>", html.EscapeString(mount+"/"),
		"<%= title %>", html.EscapeString(config.BoardTitle),
		"<%= favIconDefault %>", html.EscapeString(config.FavIcon.Default),
		"<%= favIconAlternative %>", html.EscapeString(config.FavIcon.Alternative),
		"<%- uiConfig %>", string(encoded),
	).Replace(string(text))
	filled = foreignLink.ReplaceAllString(filled, "")
	return []byte(strings.Replace(filled, "</head>", `<script defer src="session.js"></script></head>`, 1)), nil
}

// isPage reports whether a path below the board is one of the page's views.
func isPage(rest string) bool {
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	switch parts[0] {
	case "", "metrics-history", "job-schedulers":
		return len(parts) == 1
	case "queue":
		return len(parts) == 2 || len(parts) == 3
	}
	return false
}

// servePage sends the page to people who have signed in, and the others to
// where they can.
func (b *Board) servePage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if _, err := b.opts.Auth.Authenticate(r); err != nil {
		target := b.opts.LoginPath + "?next=" + url.QueryEscape(r.URL.RequestURI())
		http.Redirect(w, r, target, http.StatusSeeOther)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if b.page == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(notBuilt))
		return
	}
	_, _ = w.Write(b.page)
}

// serveSessionScript sends our addition to the page.
func (b *Board) serveSessionScript(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(sessionScript))
}

// serveAsset sends a file of the package. They are public, as is the package.
func (b *Board) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	name, err := url.PathUnescape(name)
	if err != nil || !fs.ValidPath(name) {
		http.NotFound(w, r)
		return
	}
	if info, err := fs.Stat(b.opts.Files, name); err != nil || info.IsDir() {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=3600")
	if hashedName.MatchString(name) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		// Workers take their policy from their own file.
		h.Set("Content-Security-Policy", pagePolicy)
	}
	http.ServeFileFS(w, r, b.opts.Files, name) //nolint:gosec // a valid path of an fs.FS can't leave it
}
