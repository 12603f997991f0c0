package conformance_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

// compare plays the scenario on both engines and returns where they differ.
func (b *bench) compare(t testing.TB, s conformance.Scenario) string {
	t.Helper()
	engine := <-b.free
	defer func() { b.free <- engine }()
	want, err := conformance.Run(t.Context(), b.client, testenv.Prefix(t), s, conformance.Always(b.node), nil)
	require.NoError(t, err, "node")
	got, err := conformance.Run(t.Context(), b.client, testenv.Prefix(t), s, conformance.Always(engine), nil)
	require.NoError(t, err, "go")
	difference, err := conformance.Diff("node", want, "go", got)
	require.NoError(t, err)
	return difference
}

func TestScenariosLeaveTheSameInRedis(t *testing.T) {
	b := newBench(t)
	began := time.Now()
	files, err := filepath.Glob("scenarios/*.json")
	require.NoError(t, err)
	var mu sync.Mutex
	names := map[string]bool{}
	t.Run("all", func(t *testing.T) {
		for _, file := range files {
			scenarios, err := conformance.Load(file)
			require.NoError(t, err)
			concept := strings.TrimSuffix(filepath.Base(file), ".json")
			for _, s := range scenarios {
				t.Run(concept+"/"+s.Name, func(t *testing.T) {
					t.Parallel()
					require.Empty(t, b.compare(t, s))
					mu.Lock()
					defer mu.Unlock()
					names[t.Name()] = true
				})
			}
		}
	})
	t.Logf("%d scenarios in %v", len(names), time.Since(began))
}
