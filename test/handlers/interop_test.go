package handlers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// kind is a kind of handler, by the name of the one there is of it, and what its
// kind can do beyond an answer.
type kind struct {
	name                           string
	fails, givesUp, keeps, gathers bool
}

var kinds = []kind{
	{"ts-kind", true, true, true, true},
	{"js-kind", true, true, true, true},
	{"python-kind", true, true, true, true},
	{"async-python-kind", true, true, true, true},
	{"go-kind", true, true, true, true},
	{"built-go-kind", true, true, true, true},
	{"shell-kind", true, true, true, false},
	{"lines-kind", true, true, true, false},
	{"plugin-kind", true, true, false, false},
	{"older-kind", true, false, false, false},
}

// serveKinds starts a worker with a handler of each kind, and a producer in Node.
func serveKinds(t *testing.T) *producer {
	t.Helper()
	dir, env := t.TempDir(), jobrunner(t)
	handlers := filepath.Join(dir, "handlers")
	require.NoError(t, os.CopyFS(handlers, os.DirFS("testdata/kinds")))
	built, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.name=built-go-kind",
		"-o", filepath.Join(handlers, "built-go-kind"), "testdata/kinds/go-kind.go").CombinedOutput()
	require.NoError(t, err, "%s", built)
	plugin, err := filepath.Abs("testdata/plugin")
	require.NoError(t, err)
	run(t, dir, "mkdir plugins && jobrunner plugin install --yes --plugins plugins '"+plugin+"'", env)

	redis, prefix := testenv.RedisURL(t), testenv.Prefix(t)
	p := startProducer(t, redis, prefix, "kinds")
	start(t, dir, "jobrunner worker --redis "+redis+" --prefix "+prefix+" --queue kinds=20 --handlers handlers --plugins plugins", env).
		find(t, `(worker started)`)
	return p
}

func TestANodeProducerIsServedByEveryKindOfHandler(t *testing.T) {
	t.Parallel()
	p := serveKinds(t)
	t.Run("Node gets results, progress and logs", func(t *testing.T) { requireResults(t, p) })
	t.Run("Node sees how jobs fail", func(t *testing.T) { requireFailures(t, p) })
	t.Run("jobs keep state and add children", func(t *testing.T) { requireStateAndChildren(t, p) })
	t.Run("a flow from Node joins all kinds", func(t *testing.T) { requireFlows(t, p) })
}

func requireResults(t *testing.T, p *producer) {
	t.Helper()
	jobs := []newJob{{Name: "echo", Data: map[string]any{"plain": true}}}
	for i, k := range kinds {
		jobs = append(jobs, newJob{Name: k.name, Data: map[string]any{"do": "answer", "value": strconv.Itoa(i)}})
	}
	ids := p.addBulk(t, jobs)
	outcomes := p.wait(t, ids)
	require.Equal(t, outcome{Value: map[string]any{"plain": true}}, outcomes[0], "a core handler")
	for i, k := range kinds {
		require.Equal(t, outcome{Value: map[string]any{"answer": strconv.Itoa(i)}}, outcomes[i+1], k.name)
		job, logs := p.job(t, ids[i+1])
		require.EqualValues(t, 50, job.Progress, k.name)
		require.Equal(t, []string{"attempt 1"}, logs, k.name)
	}
}

func requireFailures(t *testing.T, p *producer) {
	t.Helper()
	twice := map[string]any{"attempts": 2}
	var jobs []newJob
	for _, k := range kinds {
		jobs = append(jobs,
			newJob{k.name, map[string]any{"do": "fail"}, twice},
			newJob{k.name, map[string]any{"do": "give-up"}, twice})
	}
	ids := p.addBulk(t, jobs)
	outcomes := p.wait(t, ids)
	for i, k := range kinds {
		failed, hopeless := 2*i, 2*i+1
		require.Contains(t, outcomes[failed].Error, "failed on purpose", k.name)
		job, logs := p.job(t, ids[failed])
		require.Equal(t, 2, job.AttemptsMade, k.name)
		require.Contains(t, job.FailedReason, "failed on purpose", k.name)
		require.Len(t, job.Stacktrace, 2, k.name)
		require.Contains(t, logs, "attempt 2", k.name)
		if k.givesUp {
			require.Contains(t, outcomes[hopeless].Error, "gave up on purpose", k.name)
			job, _ = p.job(t, ids[hopeless])
			require.Equal(t, 1, job.AttemptsMade, k.name)
		}
	}
}

func requireStateAndChildren(t *testing.T, p *producer) {
	t.Helper()
	var jobs []newJob
	var wants []any
	add := func(name, do string, opts map[string]any, want any) {
		jobs = append(jobs, newJob{name, map[string]any{"do": do, "value": "v"}, opts})
		wants = append(wants, want)
	}
	for _, k := range kinds {
		if k.keeps {
			add(k.name, "remember", map[string]any{"attempts": 2}, map[string]any{"remembered": map[string]any{"value": "v"}})
		}
		if k.gathers {
			add(k.name, "gather", nil, map[string]any{"gathered": []any{map[string]any{"from": k.name}}})
		}
	}
	for i, got := range p.wait(t, p.addBulk(t, jobs)) {
		require.Equal(t, outcome{Value: wants[i]}, got, "%+v", jobs[i])
	}
}

func requireFlows(t *testing.T, p *producer) {
	t.Helper()
	children := []newJob{{Name: "echo", Data: map[string]any{"answer": "core"}}}
	want := []any{map[string]any{"answer": "core"}}
	for _, k := range kinds {
		children = append(children, newJob{Name: k.name, Data: map[string]any{"do": "answer", "value": k.name}})
		want = append(want, map[string]any{"answer": k.name})
	}
	var ids, parents []string
	for _, k := range kinds {
		if k.gathers {
			parents = append(parents, k.name)
			ids = append(ids, p.addFlow(t, newJob{Name: k.name, Data: map[string]any{"do": "gather"}}, children))
		}
	}
	for i, got := range p.wait(t, ids) {
		require.Empty(t, got.Error, parents[i])
		gathered, _ := got.Value.(map[string]any)["gathered"].([]any)
		require.ElementsMatch(t, want, gathered, parents[i])
	}
}
