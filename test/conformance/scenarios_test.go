package conformance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/test/conformance"
)

// lanes is how many scenarios run at the same time.
const lanes = 4

// bench is both engines on the shared server.
type bench struct {
	client rueidis.Client
	node   *conformance.Node
	free   chan *conformance.Go // a Go engine plays one scenario at a time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if _, err := os.Stat("../../node_modules/bullmq/package.json"); err != nil {
		t.Fatal("npm bullmq is not installed; run npm ci in the project's root")
	}
	url := testenv.RedisURL(t)
	option, err := rueidis.ParseURL(url)
	require.NoError(t, err)
	option.DisableCache = true
	b := &bench{free: make(chan *conformance.Go, lanes)}
	b.client, err = rueidis.NewClient(option)
	require.NoError(t, err)
	t.Cleanup(b.client.Close)
	b.node, err = conformance.StartNode("node/runner.mjs", url, os.Stderr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.node.Close()) })
	for range lanes {
		engine, err := conformance.OpenGo(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, engine.Close()) })
		b.free <- engine
	}
	return b
}

// compare plays the scenario on both engines.
func (b *bench) compare(t testing.TB, s conformance.Scenario) conformance.Differences {
	t.Helper()
	engine := <-b.free
	defer func() { b.free <- engine }()
	// With the same keys on both sides, Redis lists sets in the same order.
	prefix := testenv.Prefix(t)
	want, err := conformance.Run(t.Context(), b.client, prefix, s, conformance.Always(b.node), nil)
	require.NoError(t, err, "node")
	got, err := conformance.Run(t.Context(), b.client, prefix, s, conformance.Always(engine), nil)
	require.NoError(t, err, "go")
	differences, err := conformance.Diff(want, got)
	require.NoError(t, err)
	return differences
}

// scenarioFiles are the tables, and the random scenarios that found something once.
func scenarioFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, folder := range []string{"scenarios", "cases"} {
		paths, err := filepath.Glob(folder + "/*.json")
		require.NoError(t, err)
		for _, path := range paths {
			files[strings.TrimSuffix(filepath.Base(path), ".json")] = path
		}
	}
	return files
}

func TestScenariosLeaveTheSameInRedis(t *testing.T) {
	b := newBench(t)
	names := map[string]bool{}
	t.Run("all", func(t *testing.T) {
		for concept, path := range scenarioFiles(t) {
			scenarios, err := conformance.Load(path)
			require.NoError(t, err)
			for _, s := range scenarios {
				name := concept + "/" + s.Name
				require.False(t, names[name], "two scenarios are called %s", name)
				names[name] = true
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					requireConforming(t, name, b.compare(t, s))
				})
			}
		}
	})
	t.Logf("%d scenarios", len(names))
	requireAllDeviationsInUse(t, names)
}

// requireConforming checks that nothing differs, or just what a deviation says.
func requireConforming(t *testing.T, scenario string, differences conformance.Differences) {
	t.Helper()
	d := deviationOf(scenario)
	if d == nil {
		require.Empty(t, differences.Format("node", "go"))
		return
	}
	require.NotEmpty(t, differences, "nothing differs any more, so this needs no place among the deviations: %s", d.reason)
	for _, one := range differences {
		require.Regexp(t, d.differs, one.Path, "%s", differences.Format("node", "go"))
	}
}
