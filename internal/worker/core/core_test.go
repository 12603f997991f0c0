package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func definition(t *testing.T, opts core.Options, name string) *handler.Definition {
	t.Helper()
	definitions, err := core.Definitions(opts)
	require.NoError(t, err)
	for _, d := range definitions {
		if d.Name == name {
			return d
		}
	}
	require.Fail(t, "no such handler", name)
	return nil
}

func TestEverySchemaCompilesAndNamesItsFields(t *testing.T) {
	t.Parallel()
	definitions, err := core.Definitions(core.Options{})
	require.NoError(t, err)
	names := []string{}
	for _, d := range definitions {
		names = append(names, d.Name)
		require.NotEmpty(t, d.Description, d.Name)
		for _, schema := range []json.RawMessage{d.DataSchema, d.ResultSchema} {
			if schema != nil {
				_, err := catalogue.CompileSchema(schema)
				require.NoError(t, err, d.Name)
			}
		}
	}
	require.Equal(t, []string{"echo", "sleep", "http-request", "webhook", "data-export", "send-email", "llm", "fan-out", "list-handlers"}, names)
}

func TestEchoReturnsTheData(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"a":[1,"<"]}`, `null`, `5`} {
		result, err := coretest.Run(t, definition(t, core.Options{}, "echo"), coretest.New(t.Context(), "echo", data))
		require.NoError(t, err)
		require.JSONEq(t, data, string(result))
	}
}

func TestSleepReportsProgressAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	sleep := definition(t, core.Options{}, "sleep")
	ctx := coretest.New(t.Context(), "sleep", `{"ms":8,"steps":4}`)
	_, err := coretest.Run(t, sleep, ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"25", "50", "75", "100"}, ctx.Reported())

	errStop := errors.New("stop")
	stopped, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errStop)
	defer cancel()
	_, err = coretest.Run(t, sleep, coretest.New(stopped, "sleep", `{"ms":600000}`))
	require.ErrorIs(t, err, errStop)
}

func TestListHandlersListsWhatTheWorkerHas(t *testing.T) {
	t.Parallel()
	list := definition(t, core.Options{Handlers: func() []catalogue.Handler {
		return []catalogue.Handler{
			{Name: "a", Version: "1+x", Kind: catalogue.KindCustom, Language: "python"},
			{Name: "b", Kind: catalogue.KindCustom, Language: "javascript", Error: &catalogue.LoadError{Message: "broken"}},
		}
	}}, "list-handlers")
	result, err := coretest.Run(t, list, coretest.New(t.Context(), "list-handlers", `{}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"handlers":[{"name":"a","version":"1+x","kind":"custom","language":"python"},
		{"name":"b","version":"","kind":"custom","language":"javascript","error":"broken"}]}`, string(result))
}

func TestOmittedHandlersLeaveTheirNamesToOthers(t *testing.T) {
	t.Parallel()
	definitions, err := core.Definitions(core.Options{Omit: []string{"send-*", "echo"}})
	require.NoError(t, err)
	for _, d := range definitions {
		require.NotContains(t, []string{"send-email", "echo"}, d.Name)
	}
	require.Len(t, definitions, 7)
	none, err := core.Definitions(core.Options{Omit: []string{"*"}})
	require.NoError(t, err)
	require.Empty(t, none)
}
