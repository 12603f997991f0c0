package runtime_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

func TestBullMQsErrorsCanBeImportedWithoutThePackage(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{
		"esm.mjs": `import { UnrecoverableError, Queue } from "bullmq";
			export default { name: "x", execute(job) { if (job.data.add) new Queue("q"); throw new UnrecoverableError("never again"); } };`,
		"commonjs.cjs": `const { UnrecoverableError, Queue } = require("bullmq");
			module.exports = { name: "x", execute(job) { if (job.data.add) new Queue("q"); throw new UnrecoverableError("never again"); } };`,
		"types.ts": `import { type Job, UnrecoverableError, Queue } from "bullmq";
			export default { name: "x", execute(job: Job) { if (job.data.add) new Queue("q"); throw new UnrecoverableError("never again"); } };`,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, file, text)
			_, err := loaded.Host.Run(newJob(t, `{}`), "x")
			require.ErrorContains(t, err, "never again")
			require.True(t, bullmq.IsUnrecoverable(err))
			_, err = loaded.Host.Run(newJob(t, `{"add":true}`), "x")
			require.ErrorContains(t, err, `Queue needs npm bullmq: run "npm install bullmq" in the handler's folder`)
		})
	}
}

func TestAnInstalledBullMQIsTheOneThatIsImported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "node_modules/bullmq/package.json", `{"name":"bullmq","main":"index.js"}`)
	writeFile(t, dir, "node_modules/bullmq/index.js", `exports.version = "installed";`)
	path := writeFile(t, dir, "own.mjs", `import { version } from "bullmq"; export default () => version;`)
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	result, err := loaded.Host.Run(newJob(t, `{}`), "own")
	require.NoError(t, err)
	require.Equal(t, `"installed"`, string(result))
}
