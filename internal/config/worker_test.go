package config_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/config"
)

func TestTheFileSaysMoreOfQueuesAndHandlers(t *testing.T) {
	t.Parallel()
	path := writeFile(t, `
listen: :9000
worker:
  queues:
    - name: mail
      concurrency: 20
      handlers: "*"
    - pattern: report-*
      handlers: [render, archive-*]
      rateLimit: { max: 100, duration: 1m }
      prefix: acme
  handlers:
    render: { concurrency: 2, timeout: 1h30m, memory: 512MB, cpu: 1.5 }
    archive-*: { disabled: true, concurrency: -1, timeout: 0 }
`)
	loaded, err := config.Load(flags(t, "--config", path), nil)
	require.NoError(t, err)
	long, none := config.Duration(90*time.Minute), config.Duration(0)
	want := config.Worker{
		Queues: []config.WorkerQueue{
			{Name: "mail", Concurrency: 20, Handlers: config.Names{"*"}},
			{
				Pattern: "report-*", Handlers: config.Names{"render", "archive-*"}, Prefix: "acme",
				RateLimit: &config.WorkerRateLimit{Max: 100, Duration: config.Duration(time.Minute)},
			},
		},
		Handlers: map[string]config.WorkerHandler{
			"render":    {Concurrency: 2, Timeout: &long, Memory: 512 << 20, CPU: 1.5},
			"archive-*": {Disabled: true, Concurrency: -1, Timeout: &none},
		},
	}
	require.Empty(t, cmp.Diff(want, loaded.Worker))
	require.Equal(t, ":9000", loaded.Listen)
	require.Equal(t, path, loaded.FileName)

	for _, v := range loaded.Values() {
		if v.Name == "worker" {
			require.Equal(t, "file "+path, v.Origin)
			require.Contains(t, v.Text(), `"rateLimit":{"max":100,"duration":"1m0s"}`)
			return
		}
	}
	require.Fail(t, "the section is not shown")
}

func TestAMistakeInTheWorkersSectionIsNamed(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"line 3: field concurency is not known here":      "worker:\n  queues:\n    - {name: a, concurency: 3}",
		"cannot read !!str `many` as a whole number":      "worker: {queues: [{name: a, concurrency: many}]}",
		"worker.queues[0]: either a name or a pattern":    "worker: {queues: [{concurrency: 1}]}",
		"worker.queues[1]: either a name or a pattern":    "worker: {queues: [{name: a}, {name: a, pattern: b}]}",
		`worker.queues[0]: "a*" is a pattern`:             "worker: {queues: [{name: a*}]}",
		"worker.queues[0]: concurrency must be at least":  "worker: {queues: [{name: a, concurrency: -1}]}",
		"worker.queues[0]: a rate limit needs":            "worker: {queues: [{name: a, rateLimit: {max: 3}}]}",
		`line 1: "soon" is no duration`:                   "worker: {handlers: {a: {timeout: soon}}}",
		`line 2: "big" is no size`:                        "worker:\n  handlers: {a: {memory: big}}",
		`"0MB" is no size`:                                "worker: {handlers: {a: {memory: 0MB}}}",
		"worker.handlers.a: concurrency must be":          "worker: {handlers: {a: {concurrency: -2}}}",
		"worker.handlers.a: cpu must not be negative":     "worker: {handlers: {a: {cpu: -1}}}",
		"queue and worker.queues both":                    "queue: [a]\nworker: {queues: [{name: b}]}",
		"mapping key \"name\" already defined at line 1":  "worker: {queues: [{name: a, name: b}]}",
		"no setting is named \"workers\"":                 "workers: {}",
		"cannot read !!seq as a list of names and values": "worker: []",
	} {
		_, err := config.Load(flags(t, "--config", writeFile(t, text)), nil)
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "configuration file")
	}
}

func TestQueuesNamedByAFlagTakeThePlaceOfTheFiles(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "worker: {queues: [{name: b}], handlers: {x: {disabled: true}}}")
	loaded, err := config.Load(flags(t, "--config", path, "--queue", "a"), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, loaded.Queues)
	require.Empty(t, loaded.Worker.Queues)
	require.True(t, loaded.Worker.Handlers["x"].Disabled)
	text, err := json.Marshal(loaded.Worker)
	require.NoError(t, err)
	require.JSONEq(t, `{"handlers":{"x":{"disabled":true}}}`, string(text))
}
