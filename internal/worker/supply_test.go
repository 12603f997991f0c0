package worker_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

func failed(h catalogue.Handler) bool { return h.Error != nil }

func TestAHandlerLoadsWhenWhatItMissesComes(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{
		"near.ts": `import { n } from "./_answer"; export default () => n;`,
		"deep.ts": `import { n } from "./lib/deeper"; export default () => n;`,
		"pack.ts": `import { n } from "pack-of-mine"; export default () => n;`,
	}, nil)
	for _, name := range []string{"near", "deep", "pack"} {
		require.NotEmpty(t, b.handler(name, failed).Error.Message)
	}
	b.save("_answer.ts", `export const n = 1;`)
	require.Equal(t, "1", b.run("near", `{}`))

	// A directory that is made first, as a person would.
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, "lib"), 0o755))
	b.save("lib/deeper.ts", `export const n = 2;`)
	require.Equal(t, "2", b.run("deep", `{}`))

	// As npm does: the package, and at the end what was installed.
	b.save("node_modules/pack-of-mine/package.json", `{"name":"pack-of-mine","version":"1.0.0","type":"module","main":"index.js"}`)
	b.save("node_modules/pack-of-mine/index.js", `export const n = 3;`)
	b.save("node_modules/.package-lock.json", `{}`)
	require.Equal(t, "3", b.run("pack", `{}`))
}

func TestChangesAreFoundWithoutTheSystemsHelp(t *testing.T) {
	t.Parallel()
	b := start(t, nil, func(o *worker.Options) { o.Watch = watcher.Poll })
	b.save("v.mjs", `export default () => 1;`)
	first := b.handler("v", inService)
	b.save("v.mjs", `export default () => 22;`)
	b.handler("v", func(h catalogue.Handler) bool { return inService(h) && h.Version != first.Version })
	require.Equal(t, "22", b.run("v", `{}`))
}

func TestAHandlersProcessHasTheBoundsOfTheSettings(t *testing.T) {
	t.Parallel()
	heap := regexp.MustCompile(`--max-old-space-size=(\d+)`)
	b := start(t, map[string]string{
		"flags.mjs": `export default [
			{ name: "small", run: () => process.execArgv.join(" ") }, { name: "large", run: () => process.execArgv.join(" ") } ];`,
	}, func(o *worker.Options) {
		o.Settings.Handlers = map[string]worker.HandlerSettings{"small": {Memory: 200 << 20}, "large": {Memory: 400 << 20}}
	})
	size := func(name string) string {
		var text string
		require.NoError(t, json.Unmarshal([]byte(b.run(name, `{}`)), &text))
		found := heap.FindStringSubmatch(text)
		require.NotNil(t, found, "the process was started with %q", text)
		return found[1]
	}
	shared := size("small")
	require.Equal(t, shared, size("large"), "handlers of one module share a process, and its bounds")
	require.NoError(t, b.super.Apply(t.Context(), worker.Settings{
		Queues: []worker.Queue{{Name: "q", Concurrency: 10}}, Handlers: map[string]worker.HandlerSettings{"small": {Memory: 200 << 20}},
	}))
	require.NotEqual(t, shared, size("small"), "new bounds take a new process")
}
