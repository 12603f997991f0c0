package plugin_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// realDir is a temporary directory by its real path.
func realDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	return dir
}

// write writes files, by their paths within a folder, which is made.
func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elem...))
	require.NoError(t, err)
	return string(text)
}

// greeter are the files of a plugin in the given version, with the given
// further members in its manifest.
func greeter(version, more string) map[string]string {
	return map[string]string{
		plugin.Manifest: `{"name":"greeter","version":"` + version + `","handlers":["hello.js"]` + more + `}`,
		"hello.js":      `export default { name: "hello", run: () => "` + version + `" };`,
		"lib/words.js":  `export const words = 2;`,
	}
}

func newManager(t *testing.T, dir string) *plugin.Manager {
	t.Helper()
	m, err := plugin.NewManager(plugin.Options{Dir: dir})
	require.NoError(t, err)
	return m
}

// stage stages what a text names.
func stage(t *testing.T, m *plugin.Manager, from string) *plugin.Staged {
	t.Helper()
	source, err := plugin.ParseSource(from)
	require.NoError(t, err)
	s, err := m.Stage(t.Context(), source)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// install installs what a text names, with all that it asks for.
func install(t *testing.T, m *plugin.Manager, from string) plugin.Entry {
	t.Helper()
	source, err := plugin.ParseSource(from)
	require.NoError(t, err)
	s, err := m.Stage(t.Context(), source)
	require.NoError(t, err)
	entry, err := m.Install(t.Context(), s, plugin.InstallOptions{Granted: s.Plugin.Permissions, Replace: true})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return entry
}

// archived is an entry of an archive; without a type it is a file.
type archived struct {
	tar.Header
	text string
}

// pack writes a gzipped tar archive.
func pack(t *testing.T, path string, entries ...archived) string {
	t.Helper()
	var text bytes.Buffer
	zipped := gzip.NewWriter(&text)
	writer := tar.NewWriter(zipped)
	for _, e := range entries {
		e.Size = int64(len(e.text))
		if e.Mode == 0 {
			e.Mode = 0o644
		}
		require.NoError(t, writer.WriteHeader(&e.Header))
		_, err := writer.Write([]byte(e.text))
		require.NoError(t, err)
	}
	require.NoError(t, writer.Close())
	require.NoError(t, zipped.Close())
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	return path
}

// packFiles writes files to an archive, below a folder if one is named.
func packFiles(t *testing.T, path, folder string, files map[string]string) string {
	t.Helper()
	var entries []archived
	for name, text := range files {
		entries = append(entries, archived{tar.Header{Name: filepath.Join(folder, name)}, text})
	}
	return pack(t, path, entries...)
}

// requireTidy says that nothing unfinished is left in a plugin directory.
func requireTidy(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".jobrunner", "staging-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
