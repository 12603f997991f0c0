package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// scenarioFile writes a scenario to a file of its own.
func scenarioFile(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "scenario.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestRunPrintsTheSameOfBothEngines(t *testing.T) {
	t.Parallel()
	file := scenarioFile(t, `{"name": "one", "steps": [{"op": "add", "opts": {"delay": 5}}, {"op": "counts"}]}`)
	printed := map[string]string{}
	for _, engine := range []string{"go", "node"} {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"run", "--engine", engine, "--redis", testenv.RedisURL(t), file}, &out))
		printed[engine] = out.String()
	}
	require.Equal(t, printed["node"], printed["go"])
	var outcome struct {
		Name string
		Keys map[string]struct{ Type string }
	}
	require.NoError(t, json.Unmarshal([]byte(printed["go"]), &outcome))
	require.Equal(t, "one", outcome.Name)
	require.Equal(t, "zset", outcome.Keys["q:delayed"].Type)
}

func TestDiffTellsWhereTheEnginesDiffer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want string
		err        error
	}{
		"equal":     {`{"name": "x", "steps": [{"op": "add"}]}`, "x: equal\n", nil},
		"different": {`{"name": "x", "steps": [{"op": "promote", "id": "gone"}]}`, "answers[0]/error:", errDiffer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), []string{"diff", "--redis", testenv.RedisURL(t), scenarioFile(t, c.text)}, &out)
			require.ErrorIs(t, err, c.err)
			require.Contains(t, out.String(), c.want)
		})
	}
}

func TestCommandLinesThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"nothing":           {},
		"no file":           {"run"},
		"an unknown engine": {"run", "--engine", "ruby", "x.json"},
		"a missing file":    {"diff", "nowhere.json"},
		"an unknown verb":   {"dance", "x.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, run(t.Context(), args, &bytes.Buffer{}))
		})
	}
}
