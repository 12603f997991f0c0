package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// loadProgram loads a script with an execute bit.
func loadProgram(t *testing.T, dir, name, text string) *runtime.Loaded {
	t.Helper()
	path := writeFile(t, dir, name, text)
	require.NoError(t, os.Chmod(path, 0o700))
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	return loaded
}

func runShell(t *testing.T, script string, job *handlertest.Context) (string, error) {
	t.Helper()
	loaded := loadProgram(t, t.TempDir(), "script", "#!/bin/sh\n"+script)
	result, err := loaded.Host.Run(job, "script")
	return string(result), err
}

func TestAProgramsLastLineIsItsResult(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script, result string
		logs, progress []string
	}{
		"JSON":                   {`echo '{"a":1}'`, `{"a":1}`, []string{}, []string{}},
		"a text":                 {`echo hello, "you"`, `"hello, you"`, []string{}, []string{}},
		"nothing":                {`true`, `null`, []string{}, []string{}},
		"lines before are logs":  {"echo one; echo two >&2; sleep 0.05; echo three; echo 4", `4`, []string{"one", "two", "three"}, []string{}},
		"progress":               {"echo progress 10; echo 'progress 42.5%'; echo progress made", `"progress made"`, []string{}, []string{"10", "42.5"}},
		"the file of the result": {`echo '[1,2]' > "$JOBRUNNER_RESULT"; echo done`, `[1,2]`, []string{"done"}, []string{}},
		"a text in that file":    {`printf 'two\nlines\n' > "$JOBRUNNER_RESULT"`, `"two\nlines"`, []string{}, []string{}},
		"the job on stdin":       {`cat`, `{"id":"7","queue":"q","prefix":"bull","name":"test","data":{"n":1},"opts":{},"attempt":2,"maxAttempts":3,"attemptsStarted":5,"priority":0,"timestamp":1700000000000}`, []string{}, []string{}},
		"the job in variables":   {`echo "$JOBRUNNER_JOB_ID/$JOBRUNNER_JOB_NAME/$JOBRUNNER_QUEUE/$JOBRUNNER_ATTEMPT"`, `"7/test/q/2"`, []string{}, []string{}},
		"half a line":            {`printf 'no end'`, `"no end"`, []string{}, []string{}},
		"what is no UTF-8":       {`printf '\377x\n'`, "\"\ufffdx\"", []string{}, []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := newJob(t, `{"n":1}`)
			result, err := runShell(t, tt.script, job)
			require.NoError(t, err)
			require.JSONEq(t, tt.result, result)
			require.ElementsMatch(t, tt.logs, job.Logged())
			require.Equal(t, tt.progress, job.Reported())
		})
	}
}

func TestAProgramsExitCodeFailsItsJob(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script, message string
		unrecoverable   bool
	}{
		"with the last line of stderr": {"echo starting >&2; echo no paper left >&2; exit 3", "no paper left (exit code 3)", false},
		"with nothing to say":          {"exit 4", "the program exited with code 4", false},
		"wrong data":                   {"echo bad address >&2; exit 65", "bad address (exit code 65)", true},
		"not now":                      {"exit 75", "job is delayed for 10s", false},
		"a signal":                     {"kill -SEGV $$", "crashed (signal SEGV", false},
		"a result that is a link":      {`ln -s /etc/passwd "$JOBRUNNER_RESULT"`, "the job's result is not a regular file", false},
		"a result that is too large":   {`head -c 2000000 /dev/zero > "$JOBRUNNER_RESULT"`, "the job's result has more than", false},
		"a last line that is too long": {`head -c 2000000 /dev/zero | tr '\0' x`, "the job's result has more than", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := runShell(t, tt.script, newJob(t, `{}`))
			require.ErrorContains(t, err, tt.message)
			require.Equal(t, tt.unrecoverable, bullmq.IsUnrecoverable(err))
		})
	}
}

func TestAProgramThatWritesTooMuchIsEnded(t *testing.T) {
	t.Parallel()
	path := writeFile(t, t.TempDir(), "flood.sh", "yes\n")
	loaded, err := newLoaderWith(t, func(o *runtime.LoaderOptions) { o.Limits.OutputBytes = 1 << 20 }).
		Load(t.Context(), runtime.Module{Path: path})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	_, err = loaded.Host.Run(newJob(t, `{}`), "flood")
	require.EqualError(t, err, "the program was ended because it wrote more than 1 MiB to stdout and stderr")
}

func TestAProgramIsToldToStopWithASignal(t *testing.T) {
	t.Parallel()
	errTooLate := errors.New("too late")
	tests := map[string]struct {
		script, result string
	}{
		"and ends":         {"echo ready >&2; exec sleep 1000", ""},
		"and finishes":     {"trap 'echo saved; exit 0' TERM; echo ready >&2; while :; do sleep 0.01; done", `"saved"`},
		"which it ignores": {"trap '' TERM; echo ready >&2; while :; do sleep 0.01; done", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			job := newJob(t, `{}`)
			job.Context = ctx
			go func() {
				for len(job.Logged()) == 0 && t.Context().Err() == nil {
					time.Sleep(5 * time.Millisecond)
				}
				cancel(errTooLate)
			}()
			result, err := runShell(t, tt.script, job)
			if tt.result != "" {
				require.NoError(t, err)
				require.Equal(t, tt.result, result)
				return
			}
			require.ErrorIs(t, err, errTooLate)
		})
	}
}

func TestAProgramKeepsAStateBetweenAttempts(t *testing.T) {
	t.Parallel()
	job := newJob(t, `{}`)
	const script = `n=$(cat "$JOBRUNNER_STATE" 2>/dev/null || echo 0); echo $((n + 1)) > "$JOBRUNNER_STATE"; echo "$n"`
	for _, want := range []string{"0", "1", "2"} {
		result, err := runShell(t, script, job)
		require.NoError(t, err)
		require.Equal(t, want, result)
	}
}

func TestASidecarDescribesAProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.Contains(t, loadProgram(t, dir, "thumb.rb", "#!/bin/sh\necho 1\n").Dependencies, filepath.Join(dir, "thumb.handler.json"),
		"a sidecar that comes later is noticed")
	card := writeFile(t, dir, "thumb.handler.json", `{"name":"make-thumbnail","version":"1.2.0","description":"d","author":"a",
		"schema":{"type":"object"},"defaults":{"attempts":3,"timeout":5000,"concurrency":2}}`)
	loaded := loadProgram(t, dir, "thumb.rb", "#!/bin/sh\necho 1\n")
	require.Equal(t, []runtime.Described{{
		Name: "make-thumbnail", Version: "1.2.0", Description: "d", Author: "a", DataSchema: json.RawMessage(`{"type":"object"}`),
		Defaults: &catalogue.Defaults{Attempts: 3, TimeoutMS: 5000, Concurrency: 2},
	}}, loaded.Handlers)
	require.Contains(t, loaded.Dependencies, card)
	require.Equal(t, "ruby", loaded.Language)

	for text, message := range map[string]string{
		`{"nam":"x"}`:                     `unknown field "nam"`,
		"{\n  \"name\": 5}":               "cannot unmarshal number",
		`{} {}`:                           "more follows",
		`{"protocol":"http"}`:             `protocol is "http"`,
		`{"protocol":"lines","name":"x"}`: "describes its handlers itself",
	} {
		writeFile(t, dir, "thumb.handler.json", text)
		_, err := newLoader(t).Load(t.Context(), runtime.Module{Path: filepath.Join(dir, "thumb.rb")})
		failed := loadError(t, err)
		require.Contains(t, failed.Message, message)
		require.Equal(t, card, failed.File)
	}
}

func TestAProgramMaySpeakTheProtocol(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "speaker.handler.json", `{"protocol":"lines"}`)
	loaded := loadProgram(t, dir, "speaker", `#!/usr/bin/env python3
import json, os, sys
for line in sys.stdin:
    m = json.loads(line)
    if m["method"] == "initialize":
        result = {"protocol": 2, "handlers": [{"name": "a", "version": "1.0.0"}, {"name": "b", "version": "1.0.0"}]}
    else:
        result = [m["params"]["handler"], m["params"]["job"]["data"], os.getpid()]
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": result}), flush=True)
`)
	require.Len(t, loaded.Handlers, 2)
	first, err := loaded.Host.Run(newJob(t, `1`), "a")
	require.NoError(t, err)
	second, err := loaded.Host.Run(newJob(t, `1`), "b")
	require.NoError(t, err)
	require.Equal(t, strings.Replace(string(first), `"a"`, `"b"`, 1), string(second), "one process for both")
}

func TestWhatIsAHandlerIsSeenFromTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := func(name, text string) string {
		path := writeFile(t, dir, name, text)
		require.NoError(t, os.Chmod(path, 0o755))
		return path
	}
	writeFile(t, dir, "gomod/go.mod", "module x\n")
	for path, want := range map[string]string{
		writeFile(t, dir, "a.ts", ""):                   "typescript",
		writeFile(t, dir, "a.py", ""):                   "python",
		writeFile(t, dir, "a.sh", ""):                   "shell",
		writeFile(t, dir, "main.go", "package main\n"):  "go",
		writeFile(t, dir, "broken.go", "packag main\n"): "go",
		writeFile(t, dir, "lib.go", "package lib\n"):    "",
		filepath.Join(dir, "gomod"):                     "go",
		dir:                                             "",
		program("tool", "#!/bin/sh\n"):                  "executable",
		program("README", "Read me.\n"):                 "",
		program("empty", ""):                            "",
		writeFile(t, dir, "notes", "#!/bin/sh\n"):       "",
		writeFile(t, dir, "x.handler.json", "{}"):       "",
	} {
		require.Equal(t, want, runtime.Language(path), path)
	}
}

// newLoaderWith is newLoader with options changed.
func newLoaderWith(t *testing.T, change func(*runtime.LoaderOptions)) *runtime.Loader {
	t.Helper()
	opts := runtime.LoaderOptions{
		CacheDir: t.TempDir(), Limits: fastLimits, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	change(&opts)
	l, err := runtime.NewLoader(opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}
