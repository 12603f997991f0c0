package handlers

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// entries are what `handler new hello` leaves for each language.
var entries = map[string]string{
	"ts": "hello.ts", "js": "hello.js", "python": "hello.py", "go": "hello", "shell": "hello.sh",
}

func TestNewHandlersRunAtOnceAndShowTheirWork(t *testing.T) {
	t.Parallel()
	for language, entry := range entries {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			dir, env := t.TempDir(), jobrunner(t)
			run(t, dir, "jobrunner handler new hello --lang "+language, env)
			run(t, dir, "jobrunner handler check", env)
			result := run(t, dir, "jobrunner handler run handlers/"+entry, env)
			require.Contains(t, result, "Hello, Ada!")
			events := run(t, dir, "jobrunner handler run --json handlers/"+entry, env)
			for _, kind := range []string{"started", "log", "progress", "completed"} {
				require.Contains(t, events, `"event":"`+kind+`"`)
			}

			var listed []struct {
				Name                        string
				DataSchema, Defaults        map[string]any
				Description, Version, Error string
			}
			require.NoError(t, json.Unmarshal([]byte(run(t, dir, "jobrunner handler list --json", env)), &listed))
			require.Len(t, listed, 1)
			require.Equal(t, "hello", listed[0].Name)
			require.NotEmpty(t, listed[0].DataSchema["properties"])
			require.NotEmpty(t, listed[0].Description)
			require.EqualValues(t, 60_000, listed[0].Defaults["timeout"])
		})
	}
}

func TestEditorsKnowTheSDKWithNothingInstalled(t *testing.T) {
	t.Parallel()
	compiler := filepath.Join(root(t), "node_modules", ".bin", "tsc")
	require.FileExists(t, compiler, "run npm ci in the project's root")
	dir, env := t.TempDir(), jobrunner(t)
	run(t, dir, "jobrunner handler new one --lang ts && jobrunner handler new two --lang js", env)
	handlers := filepath.Join(dir, "handlers")
	run(t, handlers, compiler+" --project .", env)

	wrong := "import { defineHandler } from \"@jobrunner/handler\";\n\n" +
		"export default defineHandler<{ n: number }>({ name: \"wrong\", run: (job) => job.data.n.trim() });\n"
	require.NoError(t, os.WriteFile(filepath.Join(handlers, "wrong.ts"), []byte(wrong), 0o600))
	out, err := exec.CommandContext(t.Context(), compiler, "--project", handlers).CombinedOutput()
	require.Error(t, err, "the mistake is seen")
	require.Contains(t, string(out), "Property 'trim' does not exist on type 'number'")
}

// Whoever starts dev first, and writes the first handler then, need not start it again.
func TestDevTakesTheFirstHandlerIntoService(t *testing.T) {
	t.Parallel()
	dir, env := t.TempDir(), append(jobrunner(t), "JOBRUNNER_LISTEN=127.0.0.1:0")
	printed := start(t, dir, "jobrunner dev", env)
	printed.find(t, `(is running)`)
	run(t, dir, "jobrunner handler new hello --lang js", env)
	printed.find(t, `"(handler is in service)" handler=hello`)
	require.Contains(t, run(t, dir, "jobrunner handler list --worker", env), "hello ")

	file := filepath.Join(dir, "handlers", "hello.js")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, bytes.Replace(text, []byte("0.1.0"), []byte("0.2.0"), 1), 0o600))
	printed.find(t, `"(handler is in service)" handler=hello version=0\.2\.0`)
}
