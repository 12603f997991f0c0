// Package npmregistry is a registry of npm packages for tests: a real server on
// a loopback port that the real npm program talks to.
package npmregistry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // npm's older digest of archives
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Registry has the packages that were published to it.
type Registry struct {
	// URL is its address.
	URL string
	// Home is the home directory that [Registry.Env] gives to npm.
	Home string

	tb testing.TB

	mu       sync.Mutex
	packages map[string]map[string]Package // by name and version; guarded by mu
	latest   map[string]string             // guarded by mu
	tokens   []string                      // guarded by mu
}

// Package is a version of a package.
type Package struct {
	Name, Version string
	// Manifest is its package.json.
	Manifest map[string]any
	// Archive is what callers download, Integrity what they are told of it.
	Archive   []byte
	Integrity string

	shasum string
}

// Start starts a registry that ends with the test.
func Start(tb testing.TB) *Registry {
	tb.Helper()
	r := &Registry{tb: tb, Home: tb.TempDir(), packages: map[string]map[string]Package{}, latest: map[string]string{}}
	server := httptest.NewServer(r)
	tb.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// Env is an environment in which npm knows this registry and nothing of the
// person who runs the test. Scripts are on, as they are by default.
func (r *Registry) Env() []string {
	return append(os.Environ(),
		"HOME="+r.Home, "npm_config_userconfig="+filepath.Join(r.Home, ".npmrc"), "npm_config_globalconfig="+filepath.Join(r.Home, "global"),
		"npm_config_cache="+filepath.Join(r.Home, "cache"), "npm_config_registry="+r.URL, "npm_config_ignore_scripts=false",
		"npm_config_fetch_retries=0",
	)
}

// Publish adds a version of a package with further members of its package.json
// and further files.
func (r *Registry) Publish(name, version string, manifest map[string]any, files map[string]string) Package {
	r.tb.Helper()
	p := Package{Name: name, Version: version, Manifest: map[string]any{"name": name, "version": version}}
	maps.Copy(p.Manifest, manifest)
	text, err := json.Marshal(p.Manifest)
	require.NoError(r.tb, err)
	content := map[string]string{"package.json": string(text)}
	maps.Copy(content, files)
	p.Archive = archive(r.tb, content)
	long, short := sha512.Sum512(p.Archive), sha1.Sum(p.Archive) //nolint:gosec // npm's older digest of archives
	p.Integrity = "sha512-" + base64.StdEncoding.EncodeToString(long[:])
	p.shasum = hex.EncodeToString(short[:])
	r.Put(p)
	return p
}

// Put adds a version of a package as it is, and makes it the latest.
func (r *Registry) Put(p Package) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.packages[p.Name] == nil {
		r.packages[p.Name] = map[string]Package{}
	}
	r.packages[p.Name][p.Version], r.latest[p.Name] = p, p.Version
}

// Tokens are the Authorization headers that callers have sent.
func (r *Registry) Tokens() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.tokens)
}

// ServeHTTP answers npm.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token := req.Header.Get("Authorization"); token != "" {
		r.tokens = append(r.tokens, token)
	}
	path, err := url.PathUnescape(strings.TrimPrefix(req.URL.EscapedPath(), "/"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if name, file, ok := strings.Cut(path, "/-/"); ok {
		_, _ = w.Write(r.packages[name][strings.TrimSuffix(file, ".tgz")].Archive)
		return
	}
	versions, ok := r.packages[path]
	if !ok {
		http.Error(w, `{"error":"not found"}`, http.StatusNotFound)
		return
	}
	listed := map[string]any{}
	for version, p := range versions {
		entry := maps.Clone(p.Manifest)
		entry["dist"] = map[string]any{
			"tarball": fmt.Sprintf("%s/%s/-/%s.tgz", r.URL, path, version), "integrity": p.Integrity, "shasum": p.shasum,
		}
		listed[version] = entry
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"name": path, "dist-tags": map[string]string{"latest": r.latest[path]}, "versions": listed,
	})
}

// archive packs files as npm does: in a folder named package.
func archive(tb testing.TB, files map[string]string) []byte {
	tb.Helper()
	var text bytes.Buffer
	zipped := gzip.NewWriter(&text)
	entries := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		require.NoError(tb, entries.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := entries.Write([]byte(files[name]))
		require.NoError(tb, err)
	}
	require.NoError(tb, entries.Close())
	require.NoError(tb, zipped.Close())
	return text.Bytes()
}
