package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv/npmregistry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

// A lock file taken elsewhere brings the same files there, from another mirror,
// though newer packages would suit as well.
func TestALockFileBringsTheSamePluginsElsewhere(t *testing.T) {
	t.Parallel()
	publish := func(r *npmregistry.Registry, versions ...string) {
		for _, version := range versions {
			r.Publish("letters", version, map[string]any{"license": "MIT"}, map[string]string{"index.js": `exports.l = "` + version + `";`})
			r.Publish("words", version, map[string]any{"dependencies": map[string]string{"letters": "^2.0.0"}},
				map[string]string{"index.js": `exports.word = "` + version + `";`})
			r.Publish("tools", version, nil, nil)
			r.Publish("mailer", version, handlerPackage(map[string]any{
				"dependencies": map[string]string{"words": "^2.0.0"}, "devDependencies": map[string]string{"tools": "^2.0.0"},
			}), map[string]string{"index.js": mailerCode})
		}
	}
	here, there := npmregistry.Start(t), npmregistry.Start(t)
	publish(here, "2.0.0")
	publish(there, "2.0.0", "2.1.0")
	first := managerOf(t, here, realDir(t))
	entry := install(t, first, "npm:mailer")
	require.Len(t, entry.Packages, 2)

	second := managerOf(t, there, realDir(t))
	write(t, second.Dir(), map[string]string{plugin.LockName: read(t, first.Dir(), plugin.LockName)})
	done, err := second.Restore(t.Context(), "mailer")
	require.NoError(t, err)
	require.True(t, done)
	require.NoError(t, second.Check(t.Context(), "mailer"))
	require.Contains(t, read(t, second.Path("mailer"), "node_modules/letters/index.js"), "2.0.0")
	require.Equal(t, read(t, first.Dir(), plugin.LockName), read(t, second.Dir(), plugin.LockName))
	done, err = second.Restore(t.Context(), "mailer")
	require.NoError(t, err)
	require.False(t, done, "there is nothing to do any more")
	requireTidy(t, second.Dir())

	write(t, second.Path("mailer"), map[string]string{"more.js": ""})
	_, err = second.Restore(t.Context(), "mailer")
	require.ErrorAs(t, err, new(*plugin.ModifiedError))
	_, err = second.Restore(t.Context(), "nobody")
	require.ErrorIs(t, err, plugin.ErrNotInstalled)

	require.Equal(t, "2.1.0", install(t, managerOf(t, there, realDir(t)), "npm:mailer").Version)
}

func TestARestoredPluginIsWhatIsPinnedOrNothing(t *testing.T) {
	t.Parallel()
	m := newManager(t, filepath.Join(realDir(t), "plugins"))
	from := write(t, filepath.Join(filepath.Dir(m.Dir()), "greeter"), greeter("1.0.0", ""))
	install(t, m, from)
	require.Contains(t, read(t, m.Dir(), plugin.LockName), `"../greeter"`, "what lies beside moves along")
	require.NoError(t, os.RemoveAll(m.Path("greeter")))
	write(t, from, greeter("1.0.1", ""))
	_, err := m.Restore(t.Context(), "greeter")
	require.ErrorIs(t, err, plugin.ErrDrifted)
	require.NoDirExists(t, m.Path("greeter"))
	requireTidy(t, m.Dir())

	write(t, from, greeter("1.0.0", ""))
	done, err := m.Restore(t.Context(), "greeter")
	require.NoError(t, err)
	require.True(t, done)
}

func TestPackagesHaveTheirPlaceInNodeModules(t *testing.T) {
	t.Parallel()
	for path, sound := range map[string]bool{
		"node_modules/a": true, "node_modules/@s/a/node_modules/b": true,
		"../a": false, "node_modules/../../a": false, "node_modules/..": false, "/node_modules/a": false, "node_modules/a/../b": false, "a": false, "": false,
	} {
		dir := realDir(t)
		m := newManager(t, dir)
		install(t, m, write(t, realDir(t), greeter("1.0.0", "")))
		lock := read(t, dir, plugin.LockName)
		write(t, dir, map[string]string{plugin.LockName: strings.Replace(lock, `"permissions"`, `"packages":{"`+path+`":{"version":"1.0.0"}},"permissions"`, 1)})
		_, err := m.Entry("greeter")
		require.Equal(t, sound, err == nil, path)
	}
}
