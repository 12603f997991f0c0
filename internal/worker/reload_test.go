package worker_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
)

func inService(h catalogue.Handler) bool { return h.InService() && h.Error == nil }

func TestASavedFileIsInServiceAndABrokenOneLeavesTheOld(t *testing.T) {
	t.Parallel()
	for file, texts := range map[string]struct{ one, two, broken string }{
		"v.ts": {
			one: `export default () => 1;`, two: `export default () => 2;`,
			broken: "export default () => {\n  return (;\n};\n",
		},
		"v.py": {
			one:    "from jobrunner import handler\n\n@handler()\ndef v(job):\n    return 1\n",
			two:    "from jobrunner import handler\n\n@handler()\ndef v(job):\n    return 2\n",
			broken: "from jobrunner import handler\ndef v(:\n    pass\n",
		},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			b := start(t, nil, nil)
			b.save(file, texts.one)
			first := b.handler("v", inService)
			require.Equal(t, "1", b.run("v", `{}`))

			b.save(file, texts.broken)
			broken := b.handler("v", func(h catalogue.Handler) bool { return h.Error != nil })
			require.Equal(t, first.Version, broken.Version, "the old version is in service")
			require.Equal(t, 2, broken.Error.Line)
			require.Equal(t, filepath.Join(b.dir, file), broken.Error.File)
			require.NotEmpty(t, broken.Error.Frame)
			require.Equal(t, "1", b.run("v", `{}`))

			b.save(file, texts.two)
			second := b.handler("v", func(h catalogue.Handler) bool { return inService(h) && h.Version != first.Version })
			require.True(t, strings.HasPrefix(second.Version, "0.0.0+"), second.Version)
			require.Equal(t, "2", b.run("v", `{}`))

			require.NoError(t, os.Remove(filepath.Join(b.dir, file)))
			require.Eventually(t, func() bool {
				return !slices.ContainsFunc(b.super.Handlers(), func(h catalogue.Handler) bool { return h.Kind != catalogue.KindCore })
			}, 10*time.Second, 10*time.Millisecond, "only the core handlers are left")
		})
	}
}

func TestAFileThatNeverLoadedIsListedWithItsError(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{"broken.mjs": "\nthrow new Error('not today');\n"}, nil)
	h := b.handler("broken", func(h catalogue.Handler) bool { return h.Error != nil })
	require.Empty(t, h.Version)
	require.Equal(t, "not today", h.Error.Message)
	require.Equal(t, 2, h.Error.Line)
	require.Equal(t, "javascript", h.Language)
}

func TestAChangedDependencyReloadsItsHandler(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{
		"lib/answer.ts": `export const answer = 41;`,
		"ask.ts":        `import { answer } from "./lib/answer"; export default () => answer;`,
		"_helper.py":    "ANSWER = 41\n",
		"ask_py.py":     "from jobrunner import handler\nfrom _helper import ANSWER\n\n@handler()\ndef ask_py(job):\n    return ANSWER\n",
	}, nil)
	for handler, dependency := range map[string][2]string{
		"ask": {"lib/answer.ts", `export const answer = 42;`}, "ask_py": {"_helper.py", "ANSWER = 42\n"},
	} {
		require.Equal(t, "41", b.run(handler, `{}`))
		version := b.handler(handler, inService).Version
		b.save(dependency[0], dependency[1])
		b.handler(handler, func(h catalogue.Handler) bool { return inService(h) && h.Version != version })
		require.Equal(t, "42", b.run(handler, `{}`))
	}
}

func TestOfTwoHandlersWithOneNameTheSecondIsRefusedUntilTheFirstIsGone(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{
		"a.mjs": `export default { name: "same", run: () => "a" };`,
		"b.mjs": `export default { name: "same", run: () => "b" };`,
		"c.mjs": `export default { name: "echo", run: () => "mine" };`,
	}, nil)
	refused := b.handler("b", func(h catalogue.Handler) bool { return h.Error != nil })
	require.Contains(t, refused.Error.Message, "a.mjs")
	require.Contains(t, refused.Error.Message, "b.mjs")
	require.Equal(t, `"a"`, b.run("same", `{}`))
	require.Contains(t, b.handler("c", func(h catalogue.Handler) bool { return h.Error != nil }).Error.Message, "already defined by core")
	require.NoError(t, os.Remove(filepath.Join(b.dir, "a.mjs")))
	b.handler("same", func(h catalogue.Handler) bool { return inService(h) && strings.HasSuffix(h.Source, "b.mjs") })
	require.Equal(t, `"b"`, b.run("same", `{}`))
}

// TestReloadsUnderLoadLoseNoJob saves a handler again and again while jobs keep
// coming, and looks that each ran once, by what the handler itself has written
// down, and that no process was left.
func TestReloadsUnderLoadLoseNoJob(t *testing.T) {
	t.Parallel()
	var cache string
	b := start(t, nil, func(o *worker.Options) { cache = o.Runtime.CacheDir })
	record := filepath.Join(realDir(t), "runs")
	source := func(version int) string {
		return fmt.Sprintf(`import { appendFileSync } from "node:fs";
			export default async (job) => {
				appendFileSync(%q, job.id + "\n");
				await new Promise((resolve) => setTimeout(resolve, 20));
				return %d; };`, record, version)
	}
	b.save("busy.mjs", source(0))
	b.handler("busy", inService)

	const reloads = 25
	enough, added := make(chan struct{}), make(chan []*bullmq.Job, 1)
	go func() { added <- b.keepAdding("busy", enough) }()
	for v := 1; v <= reloads; v++ {
		before := b.handler("busy", inService).Version
		b.save("busy.mjs", source(v))
		b.handler("busy", func(h catalogue.Handler) bool { return inService(h) && h.Version != before })
	}
	close(enough)

	jobs, versions := <-added, map[string]bool{}
	for _, job := range jobs {
		done := b.wait(job, bullmq.StateCompleted)
		require.Equal(t, 1, done.AttemptsMade)
		require.Equal(t, 1, done.AttemptsStarted)
		versions[string(done.ReturnValue)] = true
	}
	require.Greater(t, len(versions), reloads/2, "jobs ran on most of the versions")
	text, err := os.ReadFile(record)
	require.NoError(t, err)
	runs := strings.Fields(string(text))
	require.Len(t, runs, len(jobs))
	slices.Sort(runs)
	require.Len(t, slices.Compact(runs), len(jobs), "no job ran twice")
	require.NotEmpty(t, processesOf(t, cache))
	b.stop()
	require.Empty(t, processesOf(t, cache))
}

// keepAdding adds jobs, some ahead of what the worker can do, until it is enough.
func (b *bench) keepAdding(name string, enough <-chan struct{}) (added []*bullmq.Job) {
	for {
		counts, err := b.queue("q").Counts(b.t.Context())
		if !assertNoError(b.t, err) {
			return added
		}
		if counts[bullmq.StateWaiting] < 20 {
			jobs, err := b.queue("q").AddBulk(b.t.Context(), slices.Repeat([]bullmq.BulkJob{{Name: name}}, 20))
			if !assertNoError(b.t, err) {
				return added
			}
			added = append(added, jobs...)
		}
		select {
		case <-enough:
			return added
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// assertNoError reports an error outside of the test's own goroutine.
func assertNoError(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

// processesOf lists the processes that were started from a cache directory.
func processesOf(t *testing.T, cache string) []string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "ps", "-ewwo", "pid=,args=").Output()
	require.NoError(t, err)
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, cache) {
			found = append(found, line)
		}
	}
	return found
}

func TestPluginFoldersBringTheirHandlers(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("own/jobrunner-plugin.json", `{"name":"own","version":"3.1.0","author":"Grace","handlers":["src/one.ts","two.py"]}`)
	write("own/src/one.ts", `export default { name: "one", run: () => 1 };`)
	write("own/two.py", "from jobrunner import handler\n\n@handler(version='9.0.0')\ndef two(job):\n    return 2\n")
	write("@team/npm/package.json", `{"name":"@team/npm","version":"1.0.0","author":{"name":"Linus"},"main":"index.js","type":"module",
		"keywords":["bullmq-handler-plugin"],"bullmqHandlerPlugin":{"handlers":["three","four"]}}`)
	write("@team/npm/index.js", `export const registerHandlers = async (registry) => {
		const three = await import("./handlers/three.js"); const four = await import("./handlers/four.js");
		registry.registerHandler(three.default); registry.registerHandler(four.default); };`)
	write("@team/npm/handlers/three.js", `export default { name: "three", version: "1.0.0", async execute(job) { return 3; } };`)
	write("@team/npm/handlers/four.js", `export default { name: "four", data: { type: "object", required: ["x"] }, async execute(job) { return 4; } };`)
	write("list/package.json", `{"name":"list","version":"1.0.0","keywords":["bullmq-handler-plugin"],"bullmqHandlerPlugin":{"handlers":["five"]}}`)
	write("list/handlers/five.js", `module.exports = { name: "five", async execute(job) { return 5; } };`)
	write("no-plugin/package.json", `{"name":"left-pad"}`)
	write("broken/jobrunner-plugin.json", `{"name":"broken","handlers":["../../escape.js"]}`)
	b := start(t, nil, func(o *worker.Options) { o.PluginDirs, o.UninstalledPlugins = []string{dir}, true })

	for want, name := range []string{1: "one", 2: "two", 3: "three", 4: "four", 5: "five"} {
		if name != "" {
			require.Equal(t, fmt.Sprint(want), b.run(name, `{"x":1}`))
		}
	}
	one := b.handler("one", inService)
	require.True(t, strings.HasPrefix(one.Version, "3.1.0+"), one.Version)
	require.Equal(t, "Grace", one.Author)
	require.Equal(t, catalogue.KindPlugin, one.Kind)
	require.True(t, strings.HasPrefix(b.handler("two", inService).Version, "9.0.0+"))
	require.NotEmpty(t, b.handler("four", inService).DataSchema)
	require.Contains(t, b.handler("broken", func(h catalogue.Handler) bool { return h.Error != nil }).Error.Message, "outside of the plugin")

	before := one.Version
	write("own/src/one.ts", `export default { name: "one", run: () => "one" };`)
	b.handler("one", func(h catalogue.Handler) bool { return inService(h) && h.Version != before })
	require.Equal(t, `"one"`, b.run("one", `{}`))
}

func TestTheCatalogueTellsWhatTheWorkerDoes(t *testing.T) {
	t.Parallel()
	b := start(t, nil, nil)
	job := b.add("sleep", `{"ms":60000}`, nil)
	b.wait(job, bullmq.StateActive)
	b.handler("sleep", inService)
	reader := catalogue.NewReader(b.backend.Client(), b.prefix)
	workers, err := reader.Workers(t.Context())
	require.NoError(t, err)
	require.Len(t, workers, 1)
	require.Equal(t, os.Getpid(), workers[0].PID)
	require.Equal(t, "q", workers[0].Queues[0].Name)
	require.Equal(t, 10, workers[0].Queues[0].Concurrency)
	b.stop()
	workers, err = reader.Workers(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	require.Empty(t, workers)
}

func TestAFileThatIsImportedLaterReloadsItsHandler(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{
		"_helper.py": "ANSWER = 1\n",
		"late.py":    "from jobrunner import handler\n\n@handler()\ndef late(job):\n    import _helper\n    return _helper.ANSWER\n",
	}, nil)
	require.Equal(t, "1", b.run("late", `{}`))
	b.save("_helper.py", "ANSWER = 2\n")
	require.Eventually(t, func() bool { return b.run("late", `{}`) == "2" }, 10*time.Second, 20*time.Millisecond)
}
