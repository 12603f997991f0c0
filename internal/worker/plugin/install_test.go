package plugin_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func TestAFolderIsInstalledWithItsChecksumAndPermissions(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	files := greeter("1.0.0", `,"permissions":{"network":["API.example.com"],"env":["TOKEN"]}`)
	files[".git/config"], files[".npmrc"], files["node_modules/.bin/x"] = "x", "x", "x"
	from := write(t, realDir(t), files)
	m := newManager(t, filepath.Join(dir, "plugins"))

	entry := install(t, m, from)
	require.Equal(t, "1.0.0", entry.Version)
	require.Regexp(t, `^sha256-[0-9a-f]{64}$`, entry.Checksum)
	require.Equal(t, plugin.Permissions{Network: []string{"api.example.com"}, Env: []string{"TOKEN"}}, entry.Permissions)
	require.Equal(t, files["hello.js"], read(t, m.Dir(), "greeter/hello.js"))
	for _, left := range []string{".git", ".npmrc", "node_modules/.bin"} {
		require.NoFileExists(t, filepath.Join(m.Dir(), "greeter", left))
	}

	var lock plugin.Lock
	require.NoError(t, json.Unmarshal([]byte(read(t, m.Dir(), plugin.LockName)), &lock))
	require.Empty(t, cmp.Diff(plugin.Lock{Version: 1, Plugins: map[string]plugin.Entry{"greeter": entry}}, lock))
}

func TestTheLockFileDependsOnWhatIsInstalledOnly(t *testing.T) {
	t.Parallel()
	one := write(t, realDir(t), greeter("1.0.0", ""))
	two := write(t, realDir(t), map[string]string{
		plugin.Manifest: `{"name":"@team/two","version":"2.0.0","handlers":["two.py"]}`, "two.py": "",
	})
	a, b := newManager(t, realDir(t)), newManager(t, realDir(t))
	install(t, a, one)
	install(t, a, two)
	install(t, b, two)
	install(t, b, one)
	install(t, b, one)
	require.Equal(t, read(t, a.Dir(), plugin.LockName), read(t, b.Dir(), plugin.LockName))
}

func TestArchivesAreInstalledFromTheirTopOrTheirOnlyFolder(t *testing.T) {
	t.Parallel()
	for name, folder := range map[string]string{"top.tar.gz": "", "folder.tgz": "greeter-1.0.0", "npm.tgz": "package"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManager(t, realDir(t))
			entry := install(t, m, packFiles(t, filepath.Join(t.TempDir(), name), folder, greeter("1.0.0", "")))
			require.Regexp(t, `^sha512-`, entry.Integrity)
			require.Contains(t, read(t, m.Dir(), "greeter/hello.js"), "hello")
		})
	}
}

func TestOfModesOnlyTheExecuteBitIsKept(t *testing.T) {
	t.Parallel()
	m := newManager(t, realDir(t))
	manifest := `{"name":"modes","version":"1.0.0","handlers":["run.sh"]}`
	install(t, m, pack(t, filepath.Join(t.TempDir(), "modes.tgz"),
		archived{tar.Header{Name: plugin.Manifest, Mode: 0o666}, manifest},
		archived{tar.Header{Name: "run.sh", Mode: 0o6755}, "#!/bin/sh\n"},
		archived{tar.Header{Name: "sub/", Typeflag: tar.TypeDir, Mode: 0o1777}, ""},
		archived{tar.Header{Name: "sub/data", Mode: 0o4600}, "x"},
	))
	for name, want := range map[string]os.FileMode{
		"run.sh": 0o755, "sub/data": 0o644, plugin.Manifest: 0o644, "sub": os.ModeDir | 0o755,
	} {
		info, err := os.Stat(filepath.Join(m.Dir(), "modes", name))
		require.NoError(t, err)
		require.Equal(t, want, info.Mode(), name)
	}
}

func TestAPluginIsOnlyReplacedWhenThatIsAllowed(t *testing.T) {
	t.Parallel()
	m := newManager(t, realDir(t))
	install(t, m, write(t, realDir(t), greeter("1.0.0", "")))
	s := stage(t, m, write(t, realDir(t), greeter("2.0.0", "")))
	_, err := m.Install(t.Context(), s, plugin.InstallOptions{})
	require.ErrorIs(t, err, plugin.ErrInstalled)
	require.Contains(t, read(t, m.Dir(), "greeter/hello.js"), "1.0.0")

	_, err = m.Install(t.Context(), s, plugin.InstallOptions{Replace: true})
	require.NoError(t, err)
	require.Contains(t, read(t, m.Dir(), "greeter/hello.js"), "2.0.0")
}

func TestAnUpdateThatAsksForMoreStopsUntilItIsGranted(t *testing.T) {
	t.Parallel()
	m := newManager(t, realDir(t))
	install(t, m, write(t, realDir(t), greeter("1.0.0", `,"permissions":{"network":["*.example.com"],"read":["/data"],"memoryMiB":256}`)))
	s := stage(t, m, write(t, realDir(t), greeter("1.1.0",
		`,"permissions":{"network":["api.example.com","evil.example"],"read":["/data/in"],"write":["/data"],"env":["KEY"],"memoryMiB":512,"cpus":2}`)))
	want := []plugin.Permission{
		{Kind: "network", Value: "evil.example"},
		{Kind: "env", Value: "KEY"},
		{Kind: "write", Value: "/data"},
		{Kind: "memory", Value: "512"},
		{Kind: "cpus", Value: "2"},
	}
	require.Empty(t, cmp.Diff(want, s.Beyond()))

	_, err := m.Install(t.Context(), s, plugin.InstallOptions{Granted: s.Previous.Permissions, Replace: true})
	var refused *plugin.PermissionError
	require.ErrorAs(t, err, &refused)
	require.Empty(t, cmp.Diff(want, refused.Missing))
	require.ErrorContains(t, err, "network=evil.example, env=KEY, write=/data, memory=512, cpus=2")
	require.Contains(t, read(t, m.Dir(), "greeter/hello.js"), "1.0.0")

	var grants []string
	for _, p := range want {
		grants = append(grants, p.String())
	}
	granted, err := plugin.ParseGrants(grants)
	require.NoError(t, err)
	entry, err := m.Install(t.Context(), s, plugin.InstallOptions{Granted: granted.Join(s.Previous.Permissions), Replace: true})
	require.NoError(t, err)
	require.Equal(t, []string{"api.example.com", "evil.example"}, entry.Permissions.Network, "what it no longer asks for is not kept")
}

func TestAPluginThatDoesNotLoadLeavesTheOldOneInItsPlace(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	install(t, newManager(t, dir), write(t, realDir(t), greeter("1.0.0", "")))
	before := read(t, dir, plugin.LockName)
	for name, try := range map[string]func(context.Context, *plugin.Plugin) ([]string, error){
		"could not be loaded: no such luck": func(context.Context, *plugin.Plugin) ([]string, error) {
			return nil, errors.New("no such luck")
		},
		"wrote to its own folder while it was loaded: seen is added": func(_ context.Context, p *plugin.Plugin) ([]string, error) {
			return nil, os.WriteFile(filepath.Join(p.Dir, "seen"), nil, 0o600)
		},
	} {
		m, err := plugin.NewManager(plugin.Options{Dir: dir, Try: try})
		require.NoError(t, err)
		s := stage(t, m, write(t, realDir(t), greeter("2.0.0", "")))
		_, err = m.Install(t.Context(), s, plugin.InstallOptions{Replace: true})
		require.ErrorContains(t, err, name)
		require.Equal(t, before, read(t, dir, plugin.LockName))
		require.Contains(t, read(t, dir, "greeter/hello.js"), "1.0.0")
	}
}

func TestTwoPluginsWithOneHandlerAreRefused(t *testing.T) {
	t.Parallel()
	m, err := plugin.NewManager(plugin.Options{Dir: realDir(t), Try: func(context.Context, *plugin.Plugin) ([]string, error) {
		return []string{"hello"}, nil
	}})
	require.NoError(t, err)
	install(t, m, write(t, realDir(t), greeter("1.0.0", "")))
	s := stage(t, m, write(t, realDir(t), map[string]string{
		plugin.Manifest: `{"name":"other","version":"1.0.0","handlers":["a.js"]}`, "a.js": "",
	}))
	_, err = m.Install(t.Context(), s, plugin.InstallOptions{})
	require.ErrorContains(t, err, `plugin other has a handler "hello", which the installed plugin greeter has too`)
	require.NoDirExists(t, filepath.Join(m.Dir(), "other"))
}

func TestAFolderThatWasNotInstalledIsNeitherReplacedNorRemoved(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write(t, filepath.Join(dir, "greeter"), greeter("0.1.0", ""))
	m := newManager(t, dir)
	s := stage(t, m, write(t, realDir(t), greeter("1.0.0", "")))
	_, err := m.Install(t.Context(), s, plugin.InstallOptions{Replace: true, Overwrite: true})
	require.ErrorIs(t, err, plugin.ErrOccupied)
	require.ErrorIs(t, m.Remove(t.Context(), "greeter", true), plugin.ErrNotInstalled)
	require.Contains(t, read(t, dir, "greeter/hello.js"), "0.1.0")
}

func TestAFolderOfThePluginDirectoryIsTakenOnWhereItStands(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	own := write(t, filepath.Join(dir, "greeter"), greeter("0.1.0", ""))
	m := newManager(t, dir)
	first := install(t, m, own)
	_, err := plugin.Gate{}.Open(t.Context(), own)
	require.NoError(t, err)

	write(t, own, map[string]string{"hello.js": "export default {};"})
	_, err = plugin.Gate{}.Open(t.Context(), own)
	require.ErrorContains(t, err, "hello.js is changed")
	require.NotEqual(t, first.Checksum, install(t, m, own).Checksum, "an edit is taken on as well")
	_, err = plugin.Gate{}.Open(t.Context(), own)
	require.NoError(t, err)

	moved := filepath.Join(dir, "elsewhere")
	require.NoError(t, os.Rename(own, moved))
	_, err = m.Stage(t.Context(), plugin.Source{Type: plugin.Folder, Path: moved})
	require.ErrorContains(t, err, "rename the folder")
}

func TestRemovingTakesAwayTheFolderAndItsEntry(t *testing.T) {
	t.Parallel()
	m := newManager(t, realDir(t))
	install(t, m, write(t, realDir(t), map[string]string{
		plugin.Manifest: `{"name":"@team/one","version":"1.0.0","handlers":["a.js"]}`, "a.js": "",
	}))
	install(t, m, write(t, realDir(t), greeter("1.0.0", "")))
	write(t, m.Dir(), map[string]string{"@team/one/b.js": "mine"})

	var modified *plugin.ModifiedError
	require.ErrorAs(t, m.Remove(t.Context(), "@team/one", false), &modified)
	require.Equal(t, []plugin.Change{{Path: "b.js", How: plugin.Added}}, modified.Changes)
	require.NoError(t, m.Remove(t.Context(), "@team/one", true))
	require.NoDirExists(t, filepath.Join(m.Dir(), "@team"))
	names, err := m.Names()
	require.NoError(t, err)
	require.Equal(t, []string{"greeter"}, names)
	require.ErrorIs(t, m.Remove(t.Context(), "@team/one", true), plugin.ErrNotInstalled)

	require.NoError(t, os.RemoveAll(filepath.Join(m.Dir(), "greeter")))
	require.NoError(t, m.Remove(t.Context(), "greeter", false), "one whose folder is gone can be removed")
	requireTidy(t, m.Dir())
}

func TestInstallsAtOnceAllCount(t *testing.T) {
	t.Parallel()
	const plugins = 12
	dir := realDir(t)
	var wg sync.WaitGroup
	errs := make([]error, plugins)
	for i := range plugins {
		name := fmt.Sprintf("plugin-%d", i)
		from := write(t, realDir(t), map[string]string{
			plugin.Manifest: `{"name":"` + name + `","version":"1.0.0","handlers":["a.js"]}`, "a.js": name,
		})
		m := newManager(t, dir)
		wg.Go(func() {
			s, err := m.Stage(t.Context(), plugin.Source{Type: plugin.Folder, Path: from})
			if err == nil {
				_, err = m.Install(t.Context(), s, plugin.InstallOptions{})
				err = errors.Join(err, s.Close())
			}
			errs[i] = err
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	list, err := newManager(t, dir).List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, plugins)
	for _, s := range list {
		require.Equal(t, plugin.StateOK, s.State, s.Name)
	}
	requireTidy(t, dir)
}

func TestOfTwoInstallsOfOnePluginTheLaterSeesThatItWasLate(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	a, b := newManager(t, dir), newManager(t, dir)
	first := stage(t, a, write(t, realDir(t), greeter("1.0.0", "")))
	second := stage(t, b, write(t, realDir(t), greeter("2.0.0", "")))
	_, err := a.Install(t.Context(), first, plugin.InstallOptions{})
	require.NoError(t, err)
	_, err = b.Install(t.Context(), second, plugin.InstallOptions{Replace: true})
	require.ErrorIs(t, err, plugin.ErrBusy)
	require.Contains(t, read(t, dir, "greeter/hello.js"), "1.0.0")
}
