package worker_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv/npmregistry"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// pluginSource writes the source of a plugin with one handler of the same name,
// which returns the version.
func pluginSource(t *testing.T, name, version, more string) plugin.Source {
	t.Helper()
	dir := realDir(t)
	for file, text := range map[string]string{
		plugin.Manifest: `{"name":"` + name + `","version":"` + version + `","handlers":["main.mjs"]` + more + `}`,
		"main.mjs":      `export default { name: "` + filepath.Base(name) + `", run: () => "` + version + `" };`,
		"notes.txt":     version,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	return plugin.Source{Type: plugin.Folder, Path: dir}
}

func installPlugin(t *testing.T, dir string, source plugin.Source) {
	t.Helper()
	m, err := plugin.NewManager(plugin.Options{Dir: dir})
	require.NoError(t, err)
	s, err := m.Stage(t.Context(), source)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	_, err = m.Install(t.Context(), s, plugin.InstallOptions{Granted: s.Plugin.Permissions, Replace: true, Overwrite: true})
	require.NoError(t, err)
}

func hasFailed(h catalogue.Handler) bool { return h.Error != nil }

func runs(version string) func(catalogue.Handler) bool {
	return func(h catalogue.Handler) bool { return inService(h) && strings.HasPrefix(h.Version, version+"+") }
}

func TestPluginsComeIntoServiceAndLeaveItWithoutARestart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"greet", "@team/greet"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := realDir(t)
			b := start(t, nil, func(o *worker.Options) { o.PluginDirs = []string{dir} })
			for _, version := range []string{"1.0.0", "1.1.0", "2.0.0"} {
				installPlugin(t, dir, pluginSource(t, name, version, ""))
				b.handler("greet", runs(version))
				require.Equal(t, `"`+version+`"`, b.run("greet", `{}`))
			}
			m, err := plugin.NewManager(plugin.Options{Dir: dir})
			require.NoError(t, err)
			require.NoError(t, m.Remove(t.Context(), name, false))
			require.Eventually(t, func() bool {
				for _, h := range b.super.Handlers() {
					if h.Name == "greet" {
						return false
					}
				}
				return true
			}, 10*time.Second, 10*time.Millisecond)
		})
	}
}

func TestAPluginWhoseFilesWereChangedIsRefusedAndNoOther(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	installPlugin(t, dir, pluginSource(t, "good", "1.0.0", ""))
	source := pluginSource(t, "bad", "1.0.0", "")
	installPlugin(t, dir, source)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad/notes.txt"), []byte("tampered"), 0o600))
	b := start(t, nil, func(o *worker.Options) { o.PluginDirs = []string{dir} })
	refused := b.handler("bad", hasFailed)
	require.Contains(t, refused.Error.Message, "plugin bad is not as it was installed: notes.txt is changed")
	require.Equal(t, `"1.0.0"`, b.run("good", `{}`))

	installPlugin(t, dir, source)
	b.handler("bad", runs("1.0.0"))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad/main.mjs"), []byte("evil()"), 0o600))
	refused = b.handler("bad", hasFailed)
	require.True(t, refused.InService(), "what was loaded before is still in service")
	require.Contains(t, refused.Error.Message, "main.mjs is changed")
	require.Equal(t, `"1.0.0"`, b.run("bad", `{}`))
	require.Equal(t, `"1.0.0"`, b.run("good", `{}`))
}

func TestAPluginFolderThatWasNotInstalledIsRefusedUnlessTold(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{false, true} {
		t.Run(fmt.Sprint(allowed), func(t *testing.T) {
			t.Parallel()
			dir := realDir(t)
			require.NoError(t, os.Rename(pluginSource(t, "draft", "0.1.0", "").Path, filepath.Join(dir, "draft")))
			b := start(t, nil, func(o *worker.Options) { o.PluginDirs, o.UninstalledPlugins = []string{dir}, allowed })
			if allowed {
				require.Equal(t, `"0.1.0"`, b.run("draft", `{}`))
				return
			}
			require.Contains(t, b.handler("draft", hasFailed).Error.Message, "was not installed")
			installPlugin(t, dir, plugin.Source{Type: plugin.Folder, Path: filepath.Join(dir, "draft")})
			b.handler("draft", runs("0.1.0"))
			require.Equal(t, `"0.1.0"`, b.run("draft", `{}`))
		})
	}
}

// TestAPluginDoesWhatItWasGrantedAndNoMore runs a plugin that reads, writes,
// connects and looks at variables.
func TestAPluginDoesWhatItWasGrantedAndNoMore(t *testing.T) {
	t.Setenv("PLUGINS_TEST_GRANTED", "seen")
	t.Setenv("PLUGINS_TEST_SHOWN", "shown")
	data := realDir(t)
	require.NoError(t, os.WriteFile(filepath.Join(data, "in.txt"), []byte("in"), 0o600))
	code := `
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
const attempt = (f) => { try { return f(); } catch (e) { return e.code; } };
export default { name: "NAME", run: async (job) => ({
	own: attempt(() => readFileSync(new URL("notes.txt", import.meta.url), "utf8")),
	ownWrite: attempt(() => writeFileSync(new URL("notes.txt", import.meta.url), "x")) ?? "written",
	read: attempt(() => readFileSync(job.data.dir + "/in.txt", "utf8")),
	write: attempt(() => writeFileSync(job.data.dir + "/NAME.txt", "x")) ?? "written",
	granted: process.env.PLUGINS_TEST_GRANTED ?? "unseen",
	shown: process.env.PLUGINS_TEST_SHOWN ?? "unseen",
	network: await new Promise((resolve) => { try {
		connect(job.data.port, "127.0.0.1").on("connect", function () { this.destroy(); resolve("connected"); }).on("error", (e) => resolve("refused"));
	} catch { resolve("refused"); } }),
}) };`
	dir := realDir(t)
	for name, more := range map[string]string{
		"nothing": "",
		"granted": `,"permissions":{"network":["*"],"env":["PLUGINS_TEST_GRANTED"],"write":["` + data + `"]}`,
	} {
		source := pluginSource(t, name, "1.0.0", more)
		require.NoError(t, os.WriteFile(filepath.Join(source.Path, "main.mjs"), []byte(strings.ReplaceAll(code, "NAME", name)), 0o600))
		installPlugin(t, dir, source)
	}
	b := start(t, nil, func(o *worker.Options) {
		o.PluginDirs, o.Runtime.Env = []string{dir}, []string{"PLUGINS_TEST_SHOWN"}
	})
	port := listen(t)
	job := fmt.Sprintf(`{"dir":%q,"port":%d}`, data, port)
	require.JSONEq(t, `{"own":"1.0.0","ownWrite":"EACCES","read":"in","write":"written","granted":"seen","shown":"unseen","network":"connected"}`, b.run("granted", job))
	require.JSONEq(t, `{"own":"1.0.0","ownWrite":"EACCES","read":"EACCES","write":"EACCES","granted":"unseen","shown":"unseen","network":"refused"}`, b.run("nothing", job))
}

// TestAPluginIsNotBuiltOfFilesThatItMustNotRead imports what it must not read:
// the bundle is made by the worker, which may.
func TestAPluginIsNotBuiltOfFilesThatItMustNotRead(t *testing.T) {
	t.Parallel()
	outside, dir := realDir(t), realDir(t)
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret.json"), []byte(`{"password":"hush"}`), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "node_modules/hoisted"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "node_modules/hoisted/index.js"), []byte("export default 1;"), 0o600))
	for name, tt := range map[string]struct{ imported, more string }{
		"curious": {filepath.Join(outside, "secret.json"), ""},
		"granted": {filepath.Join(outside, "secret.json"), `,"permissions":{"read":["` + outside + `"]}`},
		"hoisted": {"hoisted", ""},
	} {
		source := pluginSource(t, name, "1.0.0", tt.more)
		code := `import it from "` + tt.imported + `"; export default { name: "` + name + `", run: () => it };`
		require.NoError(t, os.WriteFile(filepath.Join(source.Path, "main.mjs"), []byte(code), 0o600))
		installPlugin(t, dir, source)
	}
	b := start(t, nil, func(o *worker.Options) { o.PluginDirs = []string{dir} })
	require.JSONEq(t, `{"password":"hush"}`, b.run("granted", `{}`))
	for name, file := range map[string]string{"curious": "secret.json", "hoisted": "node_modules/hoisted/index.js"} {
		refused := b.handler(name, hasFailed)
		require.Contains(t, refused.Error.Message, file+", which it is not permitted to read")
	}
}

// TestAPackageOfNPMRunsWithItsDependencies installs a package of the older shape,
// which declares nothing, and one that declares what it needs.
func TestAPackageOfNPMRunsWithItsDependencies(t *testing.T) {
	t.Parallel()
	registry := npmregistry.Start(t)
	registry.Publish("words", "1.0.0", nil, map[string]string{"index.js": `exports.word = (name) => "hello " + name;`})
	members := map[string]any{
		"main": "index.js", "keywords": []string{"bullmq-handler-plugin"}, "dependencies": map[string]string{"words": "1"},
	}
	code := `const { word } = require("words");
		exports.registerHandlers = (registry) => registry.registerHandler({
			name: "NAME", version: "3.0.0", data: { type: "object", required: ["name"] }, async execute(job) { return word(job.data.name); },
		});`
	registry.Publish("older", "1.0.0", members, map[string]string{"index.js": strings.ReplaceAll(code, "NAME", "older")})
	members["bullmqHandlerPlugin"] = map[string]any{"permissions": map[string]any{}}
	registry.Publish("@team/modest", "1.0.0", members, map[string]string{"index.js": strings.ReplaceAll(code, "NAME", "modest")})

	dir := realDir(t)
	b := start(t, nil, func(o *worker.Options) { o.PluginDirs = []string{dir} })
	m, err := plugin.NewManager(plugin.Options{Dir: dir, Env: registry.Env()})
	require.NoError(t, err)
	for _, spec := range []string{"older", "@team/modest@^1"} {
		s, err := m.Stage(t.Context(), plugin.Source{Type: plugin.NPM, Spec: spec})
		require.NoError(t, err)
		_, err = m.Install(t.Context(), s, plugin.InstallOptions{Granted: s.Plugin.Permissions})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	for _, name := range []string{"older", "modest"} {
		require.NotEmpty(t, b.handler(name, runs("3.0.0")).DataSchema)
		require.Equal(t, `"hello Ada"`, b.run(name, `{"name":"Ada"}`))
	}
}

// listen accepts connections on a loopback port.
func listen(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-ended
	})
	return l.Addr().(*net.TCPAddr).Port
}
