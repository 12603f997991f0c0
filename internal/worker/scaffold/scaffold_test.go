package scaffold_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/scaffold"
)

func TestCreateWritesTheFilesOfEachLanguage(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]struct{ entry, files, support string }{
		"ts":     {"hello.ts", "hello.ts", ".sdk/js tsconfig.json"},
		"js":     {"hello.js", "hello.js", ".sdk/js tsconfig.json"},
		"python": {"hello.py", "hello.py", ".sdk/python pyrightconfig.json"},
		"go":     {"hello", "hello/main.go hello/go.mod hello/go.work", ""},
		"shell":  {"hello.sh", "hello.sh hello.handler.json", ""},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "some", "handlers")
			created, err := scaffold.Create(scaffold.Handler{Name: "hello", Language: language, Dir: dir, GoSDK: "/opt/jobrunner"})
			require.NoError(t, err)
			require.Equal(t, filepath.Join(dir, want.entry), created.Entry)
			require.Equal(t, want.files, below(t, dir, created.Files))
			require.Equal(t, want.support, below(t, dir, created.Support))
			for _, path := range append(created.Files, created.Support...) {
				_, err := os.Stat(path)
				require.NoError(t, err)
			}
			text, err := os.ReadFile(created.Files[0])
			require.NoError(t, err)
			require.NotContains(t, string(text), "[[")
		})
	}
	require.Len(t, scaffold.Languages(), 5)
}

// below writes paths in a directory short.
func below(t *testing.T, dir string, paths []string) string {
	t.Helper()
	short := make([]string, len(paths))
	for i, path := range paths {
		rel, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		short[i] = filepath.ToSlash(rel)
	}
	return strings.Join(short, " ")
}

func TestCreateOverwritesNothing(t *testing.T) {
	t.Parallel()
	for _, taken := range []string{"hello.ts", "hello.py", "hello.handler.json", "hello"} {
		t.Run(taken, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, taken)
			require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
			_, err := scaffold.Create(scaffold.Handler{Name: "hello", Language: "shell", Dir: dir})
			require.ErrorIs(t, err, scaffold.ErrExists)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, "mine", string(text))
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1, "what was written before is taken away again")
		})
	}
}

func TestAnEditorsConfigurationIsItsOwners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "tsconfig.json")
	require.NoError(t, os.WriteFile(config, []byte("{}"), 0o600))
	created, err := scaffold.Create(scaffold.Handler{Name: "a", Language: "ts", Dir: dir})
	require.NoError(t, err)
	require.Equal(t, ".sdk/js", below(t, dir, created.Support))
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	require.Equal(t, "{}", string(text))

	// The copy of the SDK is ours, and renewed.
	types := filepath.Join(dir, ".sdk", "js", "index.d.ts")
	require.NoError(t, os.WriteFile(types, nil, 0o600))
	_, err = scaffold.Create(scaffold.Handler{Name: "b", Language: "ts", Dir: dir})
	require.NoError(t, err)
	text, err = os.ReadFile(types)
	require.NoError(t, err)
	require.Contains(t, string(text), "defineHandler")
}

func TestGoSaysWhatIsLeftToDoWithoutTheSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	created, err := scaffold.Create(scaffold.Handler{Name: "a", Language: "go", Dir: dir, GoVersion: "v1.2.3"})
	require.NoError(t, err)
	require.Equal(t, "a/main.go a/go.mod", below(t, dir, created.Files))
	require.Equal(t, "go", created.Prepare[0])
	text, err := os.ReadFile(filepath.Join(dir, "a", "go.mod"))
	require.NoError(t, err)
	require.Contains(t, string(text), "require github.com/jobrunner-dev/jobrunner v1.2.3\n")
}

func TestNamesFitFilesAndJobs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "send-invoice", "resize_image", "v2", "A-b_C3"} {
		require.NoError(t, scaffold.CheckName(name), name)
	}
	for _, name := range []string{
		"", "-a", "a-", "a--b", "2a", "a b", "a/b", "../a", "a.b", "ä", "a\n", "_a", "test_a", "a_test", "conftest", strings.Repeat("a", 101),
	} {
		require.Error(t, scaffold.CheckName(name), name)
	}
	_, err := scaffold.Create(scaffold.Handler{Name: "a", Language: "cobol", Dir: t.TempDir()})
	require.ErrorContains(t, err, "choose one of ts, js, python, go, shell")
}
