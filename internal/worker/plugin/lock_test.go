package plugin_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

func TestTheGateOpensWhatWasInstalledWithWhatWasGranted(t *testing.T) {
	t.Parallel()
	m := newManager(t, realDir(t))
	install(t, m, write(t, realDir(t), greeter("1.0.0",
		`,"permissions":{"network":["api.example.com"],"env":["TOKEN"],"read":["/data"],"write":["/out"],"memoryMiB":64,"cpus":0.5}`)))
	p, err := plugin.Gate{}.Open(t.Context(), filepath.Join(m.Dir(), "greeter"))
	require.NoError(t, err)
	require.Len(t, p.Modules, 1)
	want := sandbox.Default()
	want.Memory, want.CPU, want.Network, want.AllFiles = 64<<20, 0.5, true, false
	want.Read, want.Write = []string{"/data", p.Dir}, []string{"/out"}
	require.Empty(t, cmp.Diff(&want, p.Modules[0].Policy))
	require.Equal(t, []string{"TOKEN"}, p.Modules[0].Env)

	install(t, m, write(t, realDir(t), greeter("1.0.1", "")))
	p, err = plugin.Gate{Base: &sandbox.Policy{Memory: 7, AllFiles: true, Network: true}}.Open(t.Context(), filepath.Join(m.Dir(), "greeter"))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(&sandbox.Policy{Memory: 7, Read: []string{p.Dir}}, p.Modules[0].Policy), "what is not granted is not permitted")
	require.Empty(t, p.Modules[0].Env)
}

func TestTheGateKeepsUninstalledFoldersOutUnlessTold(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	folder := write(t, filepath.Join(dir, "greeter"), greeter("1.0.0", ""))
	_, err := plugin.Gate{}.Open(t.Context(), folder)
	var uninstalled *plugin.UninstalledError
	require.ErrorAs(t, err, &uninstalled)
	require.ErrorContains(t, err, "jobrunner plugin install "+folder)
	p, err := plugin.Gate{Uninstalled: true}.Open(t.Context(), folder)
	require.NoError(t, err)
	require.Equal(t, "greeter", p.Name)
}

func TestTheGateNamesTheFilesThatWereTamperedWith(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tamper func(t *testing.T, folder string)
		want   []plugin.Change
	}{
		"a changed file": {
			func(t *testing.T, folder string) { write(t, folder, map[string]string{"lib/words.js": "evil()"}) },
			[]plugin.Change{{Path: "lib/words.js", How: plugin.Changed}},
		},
		"a missing file": {
			func(t *testing.T, folder string) {
				require.NoError(t, os.Remove(filepath.Join(folder, "lib/words.js")))
			},
			[]plugin.Change{{Path: "lib/words.js", How: plugin.Missing}},
		},
		"a file more": {
			func(t *testing.T, folder string) { write(t, folder, map[string]string{"node_modules/x/index.js": ""}) },
			[]plugin.Change{{Path: "node_modules/x/index.js", How: plugin.Added}},
		},
		"a link in place of a file": {
			func(t *testing.T, folder string) {
				file := filepath.Join(folder, "lib/words.js")
				elsewhere := write(t, t.TempDir(), map[string]string{"words.js": read(t, file)})
				require.NoError(t, os.Remove(file))
				require.NoError(t, os.Symlink(filepath.Join(elsewhere, "words.js"), file))
			},
			[]plugin.Change{{Path: "lib/words.js", How: plugin.Retyped}},
		},
		"an execute bit": {
			func(t *testing.T, folder string) {
				require.NoError(t, os.Chmod(filepath.Join(folder, "hello.js"), 0o755))
			},
			[]plugin.Change{{Path: "hello.js", How: plugin.Retyped}},
		},
		"a wider manifest": {
			func(t *testing.T, folder string) {
				write(t, folder, greeter("1.0.0", `,"permissions":{"network":["*"]}`))
			},
			[]plugin.Change{{Path: plugin.Manifest, How: plugin.Changed}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManager(t, realDir(t))
			install(t, m, write(t, realDir(t), greeter("1.0.0", "")))
			other := install(t, m, write(t, realDir(t), map[string]string{
				plugin.Manifest: `{"name":"other","version":"1.0.0","handlers":["a.js"]}`, "a.js": "",
			}))
			folder := filepath.Join(m.Dir(), "greeter")
			tt.tamper(t, folder)

			for _, gate := range []plugin.Gate{{}, {Uninstalled: true}} {
				_, err := gate.Open(t.Context(), folder)
				var modified *plugin.ModifiedError
				require.ErrorAs(t, err, &modified)
				require.Empty(t, cmp.Diff(tt.want, modified.Changes))
				require.ErrorContains(t, err, tt.want[0].Path+" is "+tt.want[0].How)
			}
			list, err := m.List(t.Context())
			require.NoError(t, err)
			require.Equal(t, plugin.StateModified, list[0].State)
			require.Empty(t, cmp.Diff(tt.want, list[0].Changes))
			require.Equal(t, plugin.StateOK, list[1].State)
			require.Equal(t, other.Checksum, list[1].Checksum)
			_, err = plugin.Gate{}.Open(t.Context(), filepath.Join(m.Dir(), "other"))
			require.NoError(t, err, "the other plugin is not affected")
		})
	}
}

func TestALockFileThatWasTamperedWithIsNotTrusted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ old, new, want string }{
		"cut off":            {`"integrity"`, "", "damaged"},
		"not JSON":           {`{`, `[`, "damaged"},
		"an unknown member":  {`"lockVersion": 1,`, `"lockVersion": 1, "trust": true,`, "unknown field"},
		"another version":    {`"lockVersion": 1`, `"lockVersion": 2`, "it has the version 2"},
		"a path as a name":   {`"greeter":`, `"../greeter":`, "plugin name"},
		"a checksum of none": {`sha256-`, `sha1-`, "checksum"},
		"a source of none":   {`"type": "archive"`, `"type": "http"`, `source of type "http"`},
		"a bad permission":   {`"TOKEN"`, `"JOBRUNNER_REDIS"`, "setting of JobRunner itself"},
		"fewer permissions":  {`"TOKEN"`, `"OTHER"`, "asks for more than it is granted: env=TOKEN"},
		"another plugin's":   {`"version": "1.0.0"`, `"version": "1.0.1"`, "it calls greeter 1.0.1 what is greeter 1.0.0"},
		"more after the end": {"", "{}", "more after the end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManager(t, realDir(t))
			install(t, m, packFiles(t, filepath.Join(t.TempDir(), "g.tgz"), "", greeter("1.0.0", `,"permissions":{"env":["TOKEN"]}`)))
			text := read(t, m.Dir(), plugin.LockName)
			switch {
			case tt.old == "":
				text += tt.new
			case tt.new == "":
				text = text[:strings.Index(text, tt.old)]
			default:
				require.Contains(t, text, tt.old)
				text = strings.Replace(text, tt.old, tt.new, 1)
			}
			write(t, m.Dir(), map[string]string{plugin.LockName: text})
			_, err := plugin.Gate{Uninstalled: true}.Open(t.Context(), filepath.Join(m.Dir(), "greeter"))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestAChecksumThatWasForgedDoesNotHideAChange(t *testing.T) {
	t.Parallel()
	m := newManager(t, realDir(t))
	entry := install(t, m, write(t, realDir(t), greeter("1.0.0", "")))
	lists, err := filepath.Glob(filepath.Join(m.Dir(), ".jobrunner/files/*.txt"))
	require.NoError(t, err)
	require.Len(t, lists, 1)
	require.Contains(t, lists[0], strings.TrimPrefix(entry.Checksum, "sha256-"))
	write(t, m.Dir(), map[string]string{"greeter/hello.js": "evil()"})
	require.NoError(t, os.WriteFile(lists[0], []byte("forged"), 0o600))

	list, err := m.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, plugin.StateModified, list[0].State)
	require.Empty(t, list[0].Changes, "the list of files is of no use")
	require.Contains(t, list[0].Error, "its checksum differs")
}

func TestListTellsWhatIsThereAndInWhichState(t *testing.T) {
	t.Parallel()
	m := newManager(t, realDir(t))
	install(t, m, write(t, realDir(t), greeter("1.0.0", `,"permissions":{"network":["*"]},"author":"Ada","license":"MIT"`)))
	gone := map[string]string{plugin.Manifest: `{"name":"gone","version":"2.0.0","handlers":["a.js"]}`, "a.js": ""}
	install(t, m, write(t, realDir(t), gone))
	require.NoError(t, os.RemoveAll(filepath.Join(m.Dir(), "gone")))
	write(t, m.Dir(), map[string]string{
		"draft/" + plugin.Manifest: `{"name":"draft","version":"0.1.0","handlers":["a.js"]}`,
		"torn/" + plugin.Manifest:  `{"name":"torn",`,
	})
	list, err := m.List(t.Context())
	require.NoError(t, err)
	states := map[string]string{}
	for _, s := range list {
		states[s.Name] = s.State
	}
	require.Equal(t, map[string]string{
		"greeter": plugin.StateOK, "gone": plugin.StateMissing, "draft": plugin.StateUninstalled, "torn": plugin.StateBroken,
	}, states)
	text, err := json.Marshal(list[2])
	require.NoError(t, err)
	require.Contains(t, string(text), `"license":"MIT"`)
	require.Contains(t, string(text), `"permissions":[{"kind":"network","value":"*"}]`)

	require.NoError(t, m.Check(t.Context(), "greeter"))
	require.ErrorContains(t, m.Check(t.Context(), "gone"), "its folder is missing")
	require.ErrorIs(t, m.Check(t.Context(), "nobody"), plugin.ErrNotInstalled)
}

func TestAPluginForOtherVersionsOfJobRunnerIsRefused(t *testing.T) {
	t.Parallel()
	for version, refused := range map[string]bool{
		"1.5.0": false, "v1.2.0": false, "2.0.0": true, "v1.1.9": true, "1.6.0-rc.1": false,
		"unknown": false, "(devel)": false, "v0.0.0-20260101000000-abcdefabcdef": false,
	} {
		gate := plugin.Gate{Uninstalled: true, HostVersion: version}
		folder := write(t, realDir(t), greeter("1.0.0", `,"engines":{"jobrunner":">=1.2 <2"}`))
		_, err := gate.Open(t.Context(), folder)
		var wrong *plugin.EngineError
		if refused {
			require.ErrorAs(t, err, &wrong, version)
			require.ErrorContains(t, err, "greeter is made for JobRunner >=1.2 <2; this is "+version)
		} else {
			require.NoError(t, err, version)
		}
	}
}
