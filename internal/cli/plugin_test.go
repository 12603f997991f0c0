package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// pluginRoom is a folder with a plugin directory and sources of plugins.
type pluginRoom struct {
	t   *testing.T
	dir string
}

func newPluginRoom(t *testing.T) *pluginRoom {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "plugins"), 0o755))
	return &pluginRoom{t, dir}
}

func (r *pluginRoom) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o600))
}

// greeter writes the source of a plugin of that version, with further members
// in its manifest.
func (r *pluginRoom) greeter(version, more string) string {
	r.t.Helper()
	r.write("greeter/"+plugin.Manifest, `{"name":"greeter","version":"`+version+`","description":"Says hello","handlers":["hello.mjs"]`+more+`}`)
	r.write("greeter/hello.mjs", `export default { name: "hello", run: () => "`+version+`" };`)
	return filepath.Join(r.dir, "greeter")
}

// plugin runs a plugin command, with an answer on its stdin, and returns what it
// printed, with this test's folder named DIR and sizes N.
func (r *pluginRoom) plugin(stdin string, args ...string) (out string, code int) {
	r.t.Helper()
	p := &Process{
		Args: append([]string{"plugin"}, append(args, "--plugins", filepath.Join(r.dir, "plugins"))...),
		Env:  append(os.Environ(), "JOBRUNNER_CACHE_DIR="+filepath.Join(r.dir, "cache")),
	}
	if stdin != "" {
		p.Stdin = strings.NewReader(stdin)
	}
	var text buffer
	p.Stdout, p.Stderr = &text, &text
	code = Main(p)
	out = strings.ReplaceAll(text.String(), r.dir, "DIR")
	return regexp.MustCompile(`\d+ B\n`).ReplaceAllString(out, "N B\n"), code
}

// prints says what a command prints and how it ends.
func (r *pluginRoom) prints(want string, wantCode int, stdin string, args ...string) {
	r.t.Helper()
	out, code := r.plugin(stdin, args...)
	require.Empty(r.t, cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(out)))
	require.Equal(r.t, wantCode, code)
}

func TestAPluginsPermissionsAreShownAndGrantedByAPerson(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	from := r.greeter("1.0.0", `,"permissions":{"network":["*"],"env":["TOKEN"],"read":["/data"],"write":["/"],"memoryMiB":512,"cpus":1.5}`)
	shown := `
greeter 1.0.0 from DIR/greeter: 2 files, N B
Says hello
It asks to
  reach over the network     any host
  see the variable           TOKEN
  read                       /data
  read and change            every file
  use memory up to           512 MiB
  use processor cores up to  1.5
`
	r.prints(shown+"Grant this? [y/N] jobrunner: nothing was changed", exitFailed, "no\n", "install", from)
	r.prints(shown+`jobrunner: plugin greeter asks for more than it is granted: network=*, env=TOKEN, read=/data, write=/, memory=512, cpus=1.5; `+
		`to grant it without a question add --grant network=* --grant env=TOKEN --grant read=/data --grant write=/ --grant memory=512 --grant cpus=1.5`,
		exitFailed, "", "install", from)
	r.prints("No plugins. Install one with: jobrunner plugin install SOURCE", exitOK, "", "list")
	r.prints(shown+"Grant this? [y/N] installed greeter 1.0.0 in DIR/plugins/greeter: handles hello", exitOK, "y\n", "install", from)
	r.prints(`
NAME     VERSION  STATE  HANDLERS  PERMISSIONS                                                 FROM
greeter  1.0.0    ok     hello     network=* env=TOKEN read=/data write=/ memory=512 cpus=1.5  DIR/greeter`, exitOK, "", "list")
}

func TestAProgramGrantsPermissionsByName(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	from := r.greeter("1.0.0", `,"permissions":{"network":["api.example.com"],"env":["TOKEN"]}`)
	out, code := r.plugin("", "install", from, "--json", "--grant", "network=*.example.com")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, `"action": "refused"`)
	require.Contains(t, out, "asks for more than it is granted: env=TOKEN")
	out, code = r.plugin("", "install", from, "--json", "--grant", "network=*.example.com", "--grant", "env=TOKEN", "--grant", "read=/unused")
	require.Equal(t, exitOK, code, out)
	var result pluginResult
	require.NoError(t, json.Unmarshal([]byte(out), &result))
	require.Equal(t, "installed", result.Action)
	require.Equal(t, []string{"hello"}, result.Handlers)
	require.Equal(t, []plugin.Permission{{Kind: "network", Value: "api.example.com"}, {Kind: "env", Value: "TOKEN"}}, result.Permissions)
	out, code = r.plugin("", "install", from, "--grant", "colour=red")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "installed already, in the version 1.0.0; to replace it run: jobrunner plugin update greeter --from DIR/greeter")
}

func TestUpdatesShowWhatTheyAskForBeyondWhatWasGranted(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	from := r.greeter("1.0.0", `,"permissions":{"network":["api.example.com"]}`)
	_, code := r.plugin("", "install", from, "--yes")
	require.Equal(t, exitOK, code)
	r.prints("unchanged greeter 1.0.0 in DIR/plugins/greeter: handles hello", exitOK, "", "update")

	r.greeter("1.1.0", `,"permissions":{"network":["api.example.com"]}`)
	r.prints(`
greeter 1.0.0 → 1.1.0 from DIR/greeter: 2 files, N B
Says hello
It asks for no more than it was granted before.
updated greeter 1.1.0 in DIR/plugins/greeter: handles hello`, exitOK, "", "update", "greeter")

	r.greeter("1.2.0", `,"permissions":{"network":["api.example.com","evil.example"]}`)
	more := `
greeter 1.1.0 → 1.2.0 from DIR/greeter: 2 files, N B
Says hello
It asks for more than it was granted before, to
  reach over the network  evil.example
`
	r.prints(more+"jobrunner: update of greeter: plugin greeter asks for more than it is granted: network=evil.example; "+
		"to grant it without a question add --grant network=evil.example", exitFailed, "", "update")
	r.prints(more+"would update greeter 1.2.0 in DIR/plugins/greeter", exitOK, "", "update", "--dry-run")
	r.prints(more+"Grant this? [y/N] updated greeter 1.2.0 in DIR/plugins/greeter: handles hello", exitOK, "yes\n", "update")
}

func TestAnUpdateThatDoesNotLoadLeavesTheOldVersion(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	from := r.greeter("1.0.0", "")
	_, code := r.plugin("", "install", from)
	require.Equal(t, exitOK, code)
	r.greeter("2.0.0", "")
	r.write("greeter/hello.mjs", "export default {\n  run: (,\n};")
	out, code := r.plugin("", "update")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, `update of greeter: plugin greeter could not be loaded:
greeter/hello.mjs:2:9: Unexpected ","`)
	require.Contains(t, out, "> 2 |")
	r.prints("greeter 1.0.0: ok", exitOK, "", "verify")
}

func TestVerifyNamesEachChange(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	_, code := r.plugin("", "install", r.greeter("1.0.0", ""))
	require.Equal(t, exitOK, code)
	r.write("plugins/greeter/hello.mjs", "evil()")
	r.write("plugins/greeter/more.mjs", "evil()")
	r.write("plugins/draft/"+plugin.Manifest, `{"name":"draft","version":"0.1.0","handlers":["a.js"]}`)
	r.prints(`
draft 0.1.0: not installed
greeter 1.0.0: modified
  changed: hello.mjs
  added: more.mjs`, exitFailed, "", "verify")
	out, code := r.plugin("", "verify", "nobody")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "nobody: plugin is not installed")

	out, code = r.plugin("", "remove", "greeter")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "to remove it with these changes add --force")
	r.prints("removed greeter", exitOK, "", "remove", "greeter", "--force")
	r.prints(`
NAME   VERSION  STATE          HANDLERS  PERMISSIONS  FROM
draft  0.1.0    not installed  -         -            -`, exitOK, "", "list")
}

func TestInstallWithoutASourceInstallsWhatTheLockFileLists(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	_, code := r.plugin("", "install", r.greeter("1.0.0", `,"permissions":{"env":["A"]}`), "--yes")
	require.Equal(t, exitOK, code)
	r.prints("unchanged greeter 1.0.0 in DIR/plugins/greeter", exitOK, "", "install")
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "plugins/greeter")))
	r.prints("greeter 1.0.0: missing", exitFailed, "", "verify")
	r.prints("installed greeter 1.0.0 in DIR/plugins/greeter", exitOK, "", "install")
	r.prints("greeter 1.0.0: ok", exitOK, "", "verify")
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "plugins/greeter")))
	r.greeter("1.0.1", "")
	out, code := r.plugin("", "install")
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "install of greeter: the source no longer has what the lock file pins: DIR/greeter has greeter 1.0.1")
}

func TestSeveralPluginDirectoriesAreLookedAfterAtOnce(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	more := filepath.Join(r.dir, "more")
	require.NoError(t, os.Mkdir(more, 0o755))
	source := r.greeter("1.0.0", "")
	r.write("other/"+plugin.Manifest, `{"name":"other","version":"2.0.0","handlers":["other.mjs"]}`)
	r.write("other/other.mjs", `export default { name: "other", run: () => 1 };`)
	_, code := r.plugin("", "install", source)
	require.Equal(t, exitOK, code)
	c, code := run(t, os.Environ(), "plugin", "install", filepath.Join(r.dir, "other"), "--plugins", more, "--cache-dir", filepath.Join(r.dir, "cache"))
	require.Equal(t, exitOK, code, c.stderr.String())

	r.prints("other 2.0.0: ok\ngreeter 1.0.0: ok", exitOK, "", "verify", "--plugins", more)
	r.prints("unchanged other 2.0.0 in DIR/more/other: handles other\nunchanged greeter 1.0.0 in DIR/plugins/greeter: handles hello",
		exitOK, "", "update", "--plugins", more)
	c, code = run(t, os.Environ(), "plugin", "install", source, "--plugins", more, "--cache-dir", filepath.Join(r.dir, "cache"))
	require.Equal(t, exitOK, code, c.stderr.String())
	out, code := r.plugin("", "remove", "greeter", "--plugins", more)
	require.Equal(t, exitFailed, code)
	require.Contains(t, out, "greeter is installed in DIR/")
	require.Contains(t, out, "name one of them with --plugins")
	r.prints("removed other", exitOK, "", "remove", "other", "--plugins", more)
}

func TestPluginCommandsExplainWrongUse(t *testing.T) {
	t.Parallel()
	r := newPluginRoom(t)
	for want, args := range map[string][]string{
		`there is no file or folder "./nowhere"`:                    {"install", "./nowhere"},
		`"Bad Name" is not an npm package's name`:                   {"install", "npm:Bad Name"},
		`grant "network": want KIND=VALUE`:                          {"install", r.greeter("1.0.0", `,"permissions":{"env":["A"]}`), "--grant", "network"},
		`there is no plugin in the lock file: name what to install`: {"install"},
		`greeter: plugin is not installed`:                          {"remove", "greeter"},
		`update of greeter: greeter: plugin is not installed`:       {"update", "greeter"},
		`--from says where one plugin comes from`:                   {"update", "--from", "."},
		`unknown flag: --yes`:                                       {"update", "--yes"},
	} {
		out, code := r.plugin("", args...)
		require.Equal(t, exitFailed, code, want)
		require.Contains(t, out, want)
	}
}
