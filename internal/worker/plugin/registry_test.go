package plugin_test

import (
	"crypto/sha1"
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
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// npmRegistry is a registry of npm packages on a loopback port.
type npmRegistry struct {
	t      *testing.T
	server *httptest.Server
	env    []string
	home   string // npm's, with its settings and cache

	mu       sync.Mutex
	packages map[string]map[string]published // by name and version; guarded by mu
	latest   map[string]string               // guarded by mu
	tokens   []string                        // what callers showed; guarded by mu
}

type published struct {
	manifest  map[string]any
	tarball   []byte
	integrity string
	shasum    string
}

func startRegistry(t *testing.T) *npmRegistry {
	t.Helper()
	r := &npmRegistry{t: t, packages: map[string]map[string]published{}, latest: map[string]string{}}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	home := t.TempDir()
	r.home = home
	r.env = append(os.Environ(),
		"HOME="+home, "npm_config_userconfig="+filepath.Join(home, ".npmrc"), "npm_config_globalconfig="+filepath.Join(home, "global"),
		"npm_config_cache="+filepath.Join(home, "cache"), "npm_config_registry="+r.server.URL, "npm_config_ignore_scripts=false", "npm_config_fetch_retries=0",
	)
	return r
}

// publish adds a package. Its files include a package.json of the given members.
func (r *npmRegistry) publish(name, version string, manifest map[string]any, files map[string]string) published {
	r.t.Helper()
	all := map[string]any{"name": name, "version": version}
	maps.Copy(all, manifest)
	text, err := json.Marshal(all)
	require.NoError(r.t, err)
	content := map[string]string{"package.json": string(text)}
	maps.Copy(content, files)
	tarball := read(r.t, packFiles(r.t, filepath.Join(r.t.TempDir(), "p.tgz"), "package", content))
	long, short := sha512.Sum512([]byte(tarball)), sha1.Sum([]byte(tarball))
	p := published{
		manifest: all, tarball: []byte(tarball), shasum: hex.EncodeToString(short[:]),
		integrity: "sha512-" + base64.StdEncoding.EncodeToString(long[:]),
	}
	r.put(name, version, p)
	return p
}

func (r *npmRegistry) put(name, version string, p published) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.packages[name] == nil {
		r.packages[name] = map[string]published{}
	}
	r.packages[name][version], r.latest[name] = p, version
}

func (r *npmRegistry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
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
		version := strings.TrimSuffix(file, ".tgz")
		_, _ = w.Write(r.packages[name][version].tarball)
		return
	}
	versions, ok := r.packages[path]
	if !ok {
		http.Error(w, `{"error":"not found"}`, http.StatusNotFound)
		return
	}
	listed := map[string]any{}
	for version, p := range versions {
		entry := map[string]any{"dist": map[string]any{
			"tarball": fmt.Sprintf("%s/%s/-/%s.tgz", r.server.URL, path, version), "integrity": p.integrity, "shasum": p.shasum,
		}}
		maps.Copy(entry, p.manifest)
		listed[version] = entry
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"name": path, "dist-tags": map[string]string{"latest": r.latest[path]}, "versions": listed,
	})
}

// manager is one that takes packages from the registry.
func (r *npmRegistry) manager(dir string) *plugin.Manager {
	r.t.Helper()
	m, err := plugin.NewManager(plugin.Options{Dir: dir, Env: r.env})
	require.NoError(r.t, err)
	return m
}

// scripts are lifecycle scripts, each of which would leave a trace.
func scripts(trace string) map[string]any {
	all := map[string]any{}
	for _, name := range []string{"preinstall", "install", "postinstall", "prepare", "prepack", "postpack", "prepublish"} {
		all[name] = "echo " + name + " >> " + trace
	}
	return all
}

func handlerPackage(more map[string]any) map[string]any {
	all := map[string]any{
		"main": "index.js", "keywords": []string{"bullmq-handler-plugin"},
		"bullmqHandlerPlugin": map[string]any{"permissions": map[string]any{"network": []string{"smtp.example.com"}}},
	}
	maps.Copy(all, more)
	return all
}
