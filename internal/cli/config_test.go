package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/config"
)

func TestConfigShowsValuesAndOriginsButNoSecrets(t *testing.T) {
	t.Parallel()
	c, code := run(t, []string{"JOBRUNNER_REDIS=redis://:hush@localhost"}, "config", "--listen", ":1")
	require.Equal(t, exitOK, code, c.stderr.String())
	require.Regexp(t, `listen +:1 +flag --listen`, c.stdout.String())
	require.Regexp(t, `redis +redis://:\*+@localhost +environment variable JOBRUNNER_REDIS`, c.stdout.String())
	require.NotContains(t, c.stdout.String(), "hush")
}

func TestConfigPrintsJSON(t *testing.T) {
	t.Parallel()
	c, code := run(t, nil, "config", "--json", "--queue", "a", "--queue", "b=2")
	require.Equal(t, exitOK, code)
	var values []config.Value
	require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &values))
	require.Contains(t, values, config.Value{Name: "queue", Value: []any{"a", "b=2"}, Origin: "flag --queue"})
}

func TestVariablesThatAreNoSettingAreWarnedOf(t *testing.T) {
	t.Parallel()
	c, code := run(t, []string{"JOBRUNNER_LISTN=:1"}, "config")
	require.Equal(t, exitOK, code)
	require.Contains(t, c.stderr.String(), "JOBRUNNER_LISTN")
}

func TestWrongUseIsExplained(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"unknown command":     {[]string{"fly"}, `unknown command "fly"`},
		"unknown flag":        {[]string{"serve", "--fast"}, "unknown flag: --fast"},
		"serve without Redis": {[]string{"serve"}, "--redis is required"},
		"bad setting":         {[]string{"serve", "--listen", "here"}, "setting listen (from flag --listen)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, code := run(t, nil, tt.args...)
			require.Equal(t, exitFailed, code)
			require.Contains(t, c.stderr.String(), tt.want)
		})
	}
}

func TestVersionNamesTheBuild(t *testing.T) {
	t.Parallel()
	c, code := run(t, nil, "version")
	require.Equal(t, exitOK, code)
	require.Regexp(t, `^jobrunner \S+ \(go1`, c.stdout.String())
}
