package plugin_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv/npmregistry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// managerOf is a manager whose npm takes packages from a registry.
func managerOf(t *testing.T, r *npmregistry.Registry, dir string, env ...string) *plugin.Manager {
	t.Helper()
	m, err := plugin.NewManager(plugin.Options{Dir: dir, Env: append(r.Env(), env...)})
	require.NoError(t, err)
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

// handlerPackage are members that make a package a plugin.
func handlerPackage(more map[string]any) map[string]any {
	all := map[string]any{
		"main": "index.js", "keywords": []string{"bullmq-handler-plugin"},
		"bullmqHandlerPlugin": map[string]any{"permissions": map[string]any{"network": []string{"smtp.example.com"}}},
	}
	maps.Copy(all, more)
	return all
}

const mailerCode = `const { word } = require("words"); module.exports = { name: "mail", async execute() { return word; } };`

func TestAnNPMPackageIsInstalledWithItsDependenciesAndNoScripts(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	trace := filepath.Join(t.TempDir(), "trace")
	words := r.Publish("words", "2.1.0", map[string]any{"scripts": scripts(trace), "bin": map[string]string{"words": "index.js"}},
		map[string]string{"index.js": `exports.word = "hi";`, ".npmrc": "x=y"})
	r.Publish("unneeded", "1.0.0", nil, nil)
	mailer := r.Publish("@team/mailer", "1.2.0", handlerPackage(map[string]any{
		"dependencies": map[string]string{"words": "^2.0.0"}, "devDependencies": map[string]string{"unneeded": "*"}, "scripts": scripts(trace),
	}), map[string]string{"index.js": mailerCode, ".npmrc": "registry=http://127.0.0.1:1/\nignore-scripts=false\n"})
	r.Publish("@team/mailer", "2.0.0", handlerPackage(nil), map[string]string{"index.js": ""})
	m := managerOf(t, r, realDir(t))

	entry := install(t, m, "npm:@team/mailer@^1")
	require.Equal(t, "1.2.0", entry.Version)
	require.Equal(t, mailer.Integrity, entry.Integrity)
	require.Equal(t, plugin.Source{Type: plugin.NPM, Spec: "@team/mailer@^1"}, entry.Source)
	require.Equal(t, []string{"smtp.example.com"}, entry.Permissions.Network)
	require.Equal(t, `exports.word = "hi";`, read(t, m.Dir(), "@team/mailer/node_modules/words/index.js"))
	require.NotContains(t, read(t, m.Dir(), plugin.LockName), "http", "no address of a registry is kept")
	for _, absent := range []string{trace, m.Path("@team/mailer") + "/node_modules/.package-lock.json", m.Path("@team/mailer") + "/node_modules/unneeded", m.Path("@team/mailer") + "/node_modules/.bin", m.Path("@team/mailer") + "/.npmrc"} {
		require.NoFileExists(t, absent)
		require.NoDirExists(t, absent)
	}
	list, err := m.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, plugin.StateOK, list[0].State)
	require.Empty(t, cmp.Diff([]plugin.Dependency{
		{Name: "words", Version: "2.1.0", Integrity: words.Integrity, PURL: "pkg:npm/words@2.1.0"},
	}, list[0].Dependencies))
	require.Equal(t, "pkg:npm/%40team/mailer@1.2.0", list[0].PURL)
	requireTidy(t, m.Dir())

	s := stage(t, m, "npm:@team/mailer")
	require.Equal(t, "2.0.0", s.Plugin.Version, "without a version it is the latest")
}

func TestAnNPMTarballOrFolderGetsItsDependenciesFromTheRegistry(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	r.Publish("words", "2.1.0", nil, map[string]string{"index.js": `exports.word = "hi";`})
	files := map[string]string{
		"package.json": `{"name":"mailer","version":"1.0.0","keywords":["bullmq-handler-plugin"],"dependencies":{"words":"2"}}`,
		"index.js":     mailerCode,
	}
	for name, from := range map[string]string{
		"tarball": packFiles(t, filepath.Join(t.TempDir(), "mailer-1.0.0.tgz"), "package", files),
		"folder":  write(t, realDir(t), files),
	} {
		m := managerOf(t, r, realDir(t))
		entry := install(t, m, from)
		require.FileExists(t, filepath.Join(m.Path("mailer"), "node_modules/words/index.js"), name)
		require.Equal(t, plugin.Permissions{Network: []string{"*"}, Env: []string{"*"}, Write: []string{"/"}}, entry.Permissions,
			"a package that declares nothing asks for what own handlers may do")
	}

	files["node_modules/words/package.json"] = `{"name":"words","version":"9.9.9"}`
	files["node_modules/words/index.js"] = `exports.word = "mine";`
	m, err := plugin.NewManager(plugin.Options{Dir: realDir(t), NPM: "no-such-npm"})
	require.NoError(t, err)
	install(t, m, write(t, realDir(t), files))
	require.Contains(t, read(t, m.Path("mailer"), "node_modules/words/index.js"), "mine", "what it brings along needs no npm")
}

func TestALockFileOfNPMIsKeptTo(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	old := r.Publish("words", "2.0.0", nil, map[string]string{"index.js": "old"})
	r.Publish("words", "2.1.0", nil, map[string]string{"index.js": "new"})
	m := managerOf(t, r, realDir(t))
	install(t, m, write(t, realDir(t), map[string]string{
		"package.json": `{"name":"mailer","version":"1.0.0","keywords":["bullmq-handler-plugin"],"dependencies":{"words":"^2.0.0"}}`,
		"index.js":     mailerCode,
		"package-lock.json": `{"name":"mailer","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
			"":{"name":"mailer","version":"1.0.0","dependencies":{"words":"^2.0.0"}},
			"node_modules/words":{"version":"2.0.0","resolved":"` + r.URL + `/words/-/2.0.0.tgz","integrity":"` + old.Integrity + `"}}}`,
	}))
	require.Equal(t, "old", read(t, m.Path("mailer"), "node_modules/words/index.js"))
}

func TestDependenciesFromElsewhereThanARegistryAreRefused(t *testing.T) {
	t.Parallel()
	elsewhere := write(t, realDir(t), map[string]string{"package.json": `{"name":"words","version":"1.0.0"}`, "index.js": ""})
	for name, spec := range map[string]string{
		"a folder":         "file:" + elsewhere,
		"a link":           "link:" + elsewhere,
		"a git repository": "git+file://" + elsewhere,
		"a hosted one":     "github:nobody/nothing",
		"a URL":            "http://127.0.0.1:1/words.tgz",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := npmregistry.Start(t)
			m := managerOf(t, r, realDir(t))
			r.Publish("mailer", "1.0.0", handlerPackage(map[string]any{"dependencies": map[string]string{"words": spec}}),
				map[string]string{"index.js": mailerCode})
			_, err := m.Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: "mailer"})
			require.Regexp(t, `EALLOW|EUNSUPPORTEDPROTOCOL|the plugin is refused`, err.Error())
			requireTidy(t, m.Dir())
		})
	}
}

func TestAnArchiveThatIsNotWhatTheRegistrySaysIsRefused(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	sound := r.Publish("mailer", "1.0.0", handlerPackage(nil), map[string]string{"index.js": mailerCode})
	other := r.Publish("mailer", "1.0.0", handlerPackage(nil), map[string]string{"index.js": "evil()"})
	forged := sound
	forged.Archive = other.Archive
	r.Put(forged)
	m := managerOf(t, r, realDir(t))
	_, err := m.Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: "mailer"})
	var failed *plugin.NPMError
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "EINTEGRITY")
	requireTidy(t, m.Dir())
}

func TestAVersionThatWasPublishedAgainIsRefused(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	r.Publish("mailer", "1.0.0", handlerPackage(nil), map[string]string{"index.js": ""})
	m := managerOf(t, r, realDir(t))
	install(t, m, "npm:mailer")
	r.Publish("mailer", "1.0.0", handlerPackage(nil), map[string]string{"index.js": "evil()"})
	require.NoError(t, os.RemoveAll(filepath.Join(r.Home, "cache")))
	_, err := m.Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: "mailer"})
	require.ErrorContains(t, err, "version 1.0.0 of mailer in the registry is not the one that was installed")
}

func TestAPackageWhoseManifestNamesAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	r.Publish("mailer", "1.0.1", nil, map[string]string{
		plugin.Manifest: `{"name":"mailer","version":"1.0.0","handlers":["a.js"]}`, "a.js": "",
	})
	_, err := managerOf(t, r, realDir(t)).Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: "mailer"})
	require.ErrorContains(t, err, "npm calls it version 1.0.1, its manifest 1.0.0")
}

func TestNPMErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	_, err := managerOf(t, r, realDir(t)).Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: "nobody-has-this"})
	var failed *plugin.NPMError
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "E404")
	require.NotContains(t, err.Error(), "npm error")

	m, err := plugin.NewManager(plugin.Options{Dir: realDir(t), NPM: "no-such-npm"})
	require.NoError(t, err)
	_, err = m.Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: "mailer"})
	require.ErrorContains(t, err, `need the program "no-such-npm", which is not installed or not in PATH`)

	r.Publish("no-plugin", "1.0.0", nil, nil)
	_, err = managerOf(t, r, realDir(t)).Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: "no-plugin"})
	require.ErrorIs(t, err, plugin.ErrNoPlugin)
}

func TestAnInstallThatIsStoppedEndsNPM(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 100)
	ended := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select { // npm has gone
		case <-r.Context().Done():
		case <-ended:
		}
	}))
	t.Cleanup(func() {
		close(ended)
		hanging.Close()
	})
	r := npmregistry.Start(t)
	r.URL = hanging.URL
	m := managerOf(t, r, realDir(t))
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped by somebody")
	go func() {
		<-asked
		cancel(stopped)
	}()
	_, err := m.Stage(ctx, plugin.Source{Type: plugin.NPM, Spec: "mailer"})
	require.ErrorIs(t, err, stopped)
	requireTidy(t, m.Dir())
}

func TestNPMSeesNoneOfOurSecrets(t *testing.T) {
	t.Parallel()
	r := npmregistry.Start(t)
	host := strings.TrimPrefix(r.URL, "http://")
	write(t, r.Home, map[string]string{
		".npmrc": "//" + host + "/:_authToken=${JOBRUNNER_ADMIN_PASSWORD}-${OPERATORS_TOKEN}\n",
	})
	r.Publish("mailer", "1.0.0", handlerPackage(nil), map[string]string{"index.js": ""})
	install(t, managerOf(t, r, realDir(t), "JOBRUNNER_ADMIN_PASSWORD=hush", "OPERATORS_TOKEN=theirs"), "npm:mailer")
	require.NotEmpty(t, r.Tokens())
	for _, token := range r.Tokens() {
		require.Contains(t, token, "theirs")
		require.NotContains(t, token, "hush")
	}
}

func TestSourcesAreToldApart(t *testing.T) {
	t.Parallel()
	dir := write(t, realDir(t), map[string]string{"file.txt": "", "a.tgz": "", "folder.tgz/x": ""})
	for text, want := range map[string]plugin.Source{
		dir:                                 {Type: plugin.Folder, Path: dir},
		filepath.Join(dir, "a.tgz"):         {Type: plugin.Archive, Path: filepath.Join(dir, "a.tgz")},
		filepath.Join(dir, "folder.tgz"):    {Type: plugin.Folder, Path: filepath.Join(dir, "folder.tgz")},
		"npm:mailer":                        {Type: plugin.NPM, Spec: "mailer"},
		"some-plugin-of-npm":                {Type: plugin.NPM, Spec: "some-plugin-of-npm"},
		"@team/mailer@^1.2 || 3":            {Type: plugin.NPM, Spec: "@team/mailer@^1.2 || 3"},
		"npm:@team/mailer@1.0.0-rc.1+build": {Type: plugin.NPM, Spec: "@team/mailer@1.0.0-rc.1+build"},
	} {
		got, err := plugin.ParseSource(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{
		filepath.Join(dir, "file.txt"), "./nowhere", "/nowhere/at/all", "nowhere.tgz", "nobody/nothing", "npm:github:a/b", "npm:git+ssh://host/x",
		"npm:https://example.com/x.tgz", "npm:../x", "npm:--registry=http://evil", "npm:x@file:../y", "npm:x@npm:y", "npm:", "npm:x@", "npm:UPPER", "npm:x@y.tgz",
	} {
		_, err := plugin.ParseSource(text)
		require.Error(t, err, text)
	}
}
