package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/telemetry"
)

func TestALoggerWritesItsLevelAndAbove(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, "warn", telemetry.FormatJSON)
	require.NoError(t, err)

	log.Info("quiet")
	log.Warn("loud", slog.Int("n", 1))

	var record map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &record))
	require.Equal(t, "loud", record["msg"])
	require.InEpsilon(t, 1.0, record["n"], 0)
}

func TestALoggerIsMadeOfKnownWordsOnly(t *testing.T) {
	t.Parallel()
	_, err := telemetry.NewLogger(&bytes.Buffer{}, "loud", telemetry.FormatText)
	require.ErrorContains(t, err, "log level")
	_, err = telemetry.NewLogger(&bytes.Buffer{}, "info", "xml")
	require.ErrorContains(t, err, "log format")
}
