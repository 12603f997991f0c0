package runtime_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

const greetTS = `
import { defineHandler, type Job } from "@jobrunner/handler";

interface Greeting { name: string }

export default defineHandler<Greeting>({
  name: "greet",
  version: "1.2.0",
  description: "Greets somebody",
  author: "Ada",
  schema: { type: "object", required: ["name"], properties: { name: { type: "string" } } },
  defaults: { attempts: 3, backoff: { type: "fixed", delay: 1000 }, timeout: 5000 },
  async run(job: Job<Greeting>) {
    console.log("on the", "console");
    await job.log("in the log");
    await job.progress({ step: 1 });
    return { hello: job.data.name, attempt: job.attempt, at: job.timestamp };
  },
});
`

const greetPython = `
from jobrunner import handler

@handler(name="greet", version="1.2.0", description="Greets somebody", author="Ada",
         schema={"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
         attempts=3, backoff={"type": "fixed", "delay": 1000}, timeout=5)
def greet(job):
    print("on the", "console")
    job.log("in the log")
    job.progress({"step": 1})
    return {"hello": job.data["name"], "attempt": job.attempt, "at": job.timestamp}
`

func TestAHandlerIsDescribedAndRun(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{"greet.ts": greetTS, "greet.py": greetPython} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, file, text)
			require.Len(t, loaded.Handlers, 1)
			h := loaded.Handlers[0]
			require.Equal(t, "greet", h.Name)
			require.Equal(t, "1.2.0", h.Version)
			require.Equal(t, "Greets somebody", h.Description)
			require.Equal(t, "Ada", h.Author)
			require.JSONEq(t, `{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}`, string(h.DataSchema))
			require.Equal(t, &catalogue.Defaults{
				Attempts: 3, Backoff: &bullmq.Backoff{Type: bullmq.BackoffFixed, Delay: time.Second}, TimeoutMS: 5000,
			}, h.Defaults)
			require.Len(t, loaded.Hash, 8)
			require.Equal(t, runtime.Language(file), loaded.Language)

			job := newJob(t, `{"name":"Zoë"}`)
			result, err := loaded.Host.Run(job, "greet")
			require.NoError(t, err)
			require.JSONEq(t, `{"hello":"Zoë","attempt":2,"at":1700000000000}`, string(result))
			require.Equal(t, []string{"on the console", "in the log"}, job.Logged())
			require.Equal(t, []string{`{"step":1}`}, job.Reported())
		})
	}
}

func TestEveryModuleShapeLoads(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ file, text, name string }{
		"older module shape": {"old.js", `export default {
			name: "old", description: "d", version: "2.0.0", author: "a", data: { type: "object", properties: {} },
			async execute(job) { await job.updateProgress(50); return this.reply(job); },
			reply(job) { return job.data.n + 1; } };`, "old"},
		"older shape as CommonJS": {"old.cjs", `const path = require("node:path");
			module.exports = { name: path.basename(__filename, ".cjs"), execute: async (job) => job.data.n + 1 };`, "old"},
		"function named by its file": {"plus-one.mjs", `export default async (job) => job.data.n + 1;`, "plus-one"},
		"several in one file": {"many.js", `
			export const other = { name: "other", run: () => 0 };
			export default [{ name: "a", run: () => 1 }, { name: "plus", run: ({ data }) => data.n + 1 }];`, "plus"},
		"registerHandlers": {"index.js", `export const registerHandlers = async (registry) => {
			registry.registerHandler({ name: "registered", execute: async (job) => job.data.n + 1 }); };`, "registered"},
		"coroutine": {"co.py", `
import asyncio
from jobrunner import handler

@handler()
async def plus_one(job):
    """Adds one."""
    await asyncio.sleep(0)
    return job.data["n"] + 1
`, "plus_one"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, tt.file, tt.text)
			result, err := loaded.Host.Run(newJob(t, `{"n":41}`), tt.name)
			require.NoError(t, err)
			require.Equal(t, "42", string(result))
		})
	}
}

func TestWhatAFileImportsIsBuiltInAndListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "lib/double.ts", `export const double = (n: number): number => n * 2;`)
	writeFile(t, dir, "node_modules/left/package.json", `{"name":"left","main":"index.js"}`)
	writeFile(t, dir, "node_modules/left/index.js", `const os = require("os"); module.exports = (s) => os.EOL && "<" + s;`)
	js := writeFile(t, dir, "math.ts", `import { double } from "./lib/double";
		import left from "left";
		import { readFileSync } from "node:fs";
		export default { name: "math", run: (job: { data: { n: number } }) =>
			left(String(double(job.data.n))) + readFileSync(new URL("./lib/note.txt", import.meta.url), "utf8") };`)
	writeFile(t, dir, "lib/note.txt", "!")
	writeFile(t, dir, "helper.py", "def double(n):\n    return n * 2\n")
	py := writeFile(t, dir, "math_py.py", `
from jobrunner import handler
from helper import double

@handler()
def math_py(job):
    return "<" + str(double(job.data["n"])) + "!"
`)
	for path, want := range map[string][]string{
		js: {filepath.Join(dir, "lib/double.ts"), js}, py: {filepath.Join(dir, "helper.py"), py},
	} {
		loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
		require.NoError(t, err)
		t.Cleanup(loaded.Host.Close)
		require.Equal(t, want, loaded.Dependencies)
		result, err := loaded.Host.Run(newJob(t, `{"n":4}`), loaded.Handlers[0].Name)
		require.NoError(t, err)
		require.Equal(t, `"<8!"`, string(result))
	}
}
