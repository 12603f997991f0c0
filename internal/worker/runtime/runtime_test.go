package runtime_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func newJob(t *testing.T, data string) *handlertest.Context {
	t.Helper()
	return handlertest.New(t.Context(), handler.Job{
		ID: "7", Name: "test", Queue: "q", Data: json.RawMessage(data),
		Attempt: 2, MaxAttempts: 3, AttemptsStarted: 5, Timestamp: time.UnixMilli(1_700_000_000_000),
	})
}

// fastLimits make faults show quickly.
var fastLimits = runtime.Limits{
	ResultBytes: 1 << 20, CancelGrace: 300 * time.Millisecond, DrainTimeout: 2 * time.Second, StopGrace: 500 * time.Millisecond,
}

func testLogger(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func newLoader(t *testing.T) *runtime.Loader {
	t.Helper()
	l, err := runtime.NewLoader(runtime.LoaderOptions{
		CacheDir: t.TempDir(), Limits: fastLimits, Logger: testLogger(t),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// load loads a module from its text, and closes its host with the test.
func load(t *testing.T, name, text string) *runtime.Loaded {
	t.Helper()
	path := writeFile(t, t.TempDir(), name, text)
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	return loaded
}

func loadError(t *testing.T, err error) *catalogue.LoadError {
	t.Helper()
	var failed *catalogue.LoadError
	require.ErrorAs(t, err, &failed)
	return failed
}
