package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/trial"
)

// handlerFolder makes a folder of files of the given names and texts.
func handlerFolder(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestHandlerRunPrintsTheResultAndTellsTheRest(t *testing.T) {
	t.Parallel()
	dir := handlerFolder(t, map[string]string{"double.mjs": `export default { name: "double", async run(job) {
		await job.log("doubling"); await job.progress(50); return { n: job.data.n * 2 }; } };`})
	data := filepath.Join(dir, "data.json")
	require.NoError(t, os.WriteFile(data, []byte(`{"n":21}`), 0o600))
	for _, argument := range []string{`{"n":21}`, "@" + data, "-"} {
		c, code := runWith(t, strings.NewReader(`{"n":21}`), "handler", "run", filepath.Join(dir, "double.mjs"),
			"--data", argument, "--cache-dir", t.TempDir())
		require.Equal(t, exitOK, code, c.stderr.String())
		require.JSONEq(t, `{"n":42}`, c.stdout.String())
		require.Regexp(t, `log +doubling\n.*progress +50\n.*completed\n`, c.stderr.String())
	}
}

func TestHandlerRunWritesEventsForPrograms(t *testing.T) {
	t.Parallel()
	dir := handlerFolder(t, map[string]string{"a.mjs": `export default { name: "a", async run(job) { await job.log("x"); return 1; } };`})
	c, code := run(t, nil, "handler", "run", dir, "--json", "--cache-dir", t.TempDir())
	require.Equal(t, exitOK, code, c.stderr.String())
	var kinds []trial.EventKind
	for line := range strings.Lines(c.stdout.String()) {
		var e trial.Event
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		kinds = append(kinds, e.Kind)
	}
	require.Equal(t, []trial.EventKind{trial.EventStarted, trial.EventLog, trial.EventCompleted}, kinds)
}

func TestHandlerRunSaysWhatWentWrongByItsExitCode(t *testing.T) {
	t.Parallel()
	dir := handlerFolder(t, map[string]string{
		"throws.mjs": "export default {\n  name: \"throws\",\n  run(job) {\n    return job.data.no.such;\n  },\n};\n",
		"broken.mjs": "export default {\n  name: \"broken\"\n  run() {},\n};\n",
	})
	throws, broken := filepath.Join(dir, "throws.mjs"), filepath.Join(dir, "broken.mjs")
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a job that fails":          {[]string{throws}, exitFailed, throws + ":4:24\n  2 |   name: \"throws\",\n  3 |   run(job) {\n> 4 |     return job.data.no.such;\n"},
		"a file that does not load": {[]string{broken}, exitUsage, broken + ":3:3: Expected"},
		"no such file":              {[]string{broken + ".gone"}, exitUsage, "no such file"},
		"no file":                   {nil, exitUsage, "takes one argument: FILE"},
		"data that is not JSON":     {[]string{throws, "--data", "{"}, exitUsage, "--data: is not JSON"},
		"an unknown handler":        {[]string{throws, "--handler", "x"}, exitUsage, `no handler "x"`},
		"an unknown flag":           {[]string{throws, "--fast"}, exitUsage, "unknown flag"},
		"a negative timeout":        {[]string{throws, "--timeout", "-1s"}, exitUsage, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"handler", "run"}, tt.args...)
			c, code := run(t, nil, append(args, "--cache-dir", t.TempDir())...)
			require.Equal(t, tt.code, code, c.stderr.String())
			require.Contains(t, c.stderr.String(), tt.want)
			require.Empty(t, c.stdout.String())
		})
	}
}

func TestASignalAbortsTheHandlerThatRuns(t *testing.T) {
	t.Parallel()
	dir := handlerFolder(t, map[string]string{"slow.mjs": `export default { name: "slow", run: (job) => new Promise((_, reject) => {
		job.log("waiting");
		job.signal.addEventListener("abort", () => { job.log("let go"); reject(job.signal.reason); });
	}) };`})
	c := begin(t, nil, "handler", "run", filepath.Join(dir, "slow.mjs"), "--cache-dir", t.TempDir())
	c.awaitLog(t, `log +waiting`)
	c.signals <- syscall.SIGINT
	require.Equal(t, exitFailed, c.wait(t))
	require.Regexp(t, `log +let go\n.*failed +.*stopped by a signal`, c.stderr.String())
}

func TestHandlerRunWatchesItsFiles(t *testing.T) {
	t.Parallel()
	dir := handlerFolder(t, map[string]string{
		"main.mjs":    `import { answer } from "./_answer.mjs"; export default { name: "main", run: () => answer };`,
		"_answer.mjs": `export const answer = 41;`,
	})
	c := begin(t, nil, "handler", "run", filepath.Join(dir, "main.mjs"), "--watch", "--cache-dir", t.TempDir())
	c.find(t, `(?m)^(41)$`)
	save := func(text string) {
		c.awaitLog(t, `waiting for a change`)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "_answer.mjs"), []byte(text), 0o600))
	}
	save(`export const answer = 42;`)
	c.find(t, `(?m)^(42)$`)
	save(`export const answer = ;`)
	c.awaitLog(t, `_answer.mjs:1:23: Unexpected`)
	save(`export const answer = 43;`)
	c.find(t, `(?m)^(43)$`)
	c.signals <- syscall.SIGINT
	require.Equal(t, exitOK, c.wait(t), c.stderr.String())
}

func TestHandlerCheckPointsAtEveryProblem(t *testing.T) {
	t.Parallel()
	good := handlerFolder(t, map[string]string{"good.mjs": `export default { name: "good", version: "1.2.0", run() {} };`})
	bad := handlerFolder(t, map[string]string{
		"broken.ts": "export default {\n  name: \"broken\"\n  run() {},\n};\n",
		"twice.mjs": `export default { name: "good", run() {} };`,
	})
	c, code := run(t, nil, "handler", "check", good, "--cache-dir", t.TempDir())
	require.Equal(t, exitOK, code, c.stderr.String())
	require.Regexp(t, `^ok  good  1\.2\.0\+\S+  \S+good\.mjs\n$`, c.stdout.String())

	c, code = run(t, nil, "handler", "check", good, bad, "--cache-dir", t.TempDir())
	require.Equal(t, exitFailed, code, c.stderr.String())
	require.Contains(t, c.stdout.String(), filepath.Join(bad, "broken.ts")+":3:3: Expected")
	require.Contains(t, c.stdout.String(), "> 3 |   run() {},\n")
	require.Regexp(t, `twice\.mjs: .*already defined by .*good\.mjs`, c.stdout.String())
	require.Contains(t, c.stdout.String(), "1 handler, 2 problems")

	c, code = run(t, nil, "handler", "check", bad, "--json", "--cache-dir", t.TempDir())
	require.Equal(t, exitFailed, code, c.stderr.String())
	var report checkReport
	require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &report))
	require.Len(t, report.Handlers, 1)
	require.Equal(t, 3, report.Problems[0].Line)

	c, code = run(t, nil, "handler", "check", t.TempDir(), "--cache-dir", t.TempDir())
	require.Equal(t, exitUsage, code)
	require.Contains(t, c.stderr.String(), "there are no handlers")
}

func TestHandlerListShowsFilesAndRunningWorkers(t *testing.T) {
	t.Parallel()
	dir := handlerFolder(t, map[string]string{"greet.mjs": `export default { name: "greet", description: "Greets", run() {} };`})
	c, code := run(t, nil, "handler", "list", dir, "--cache-dir", t.TempDir())
	require.Equal(t, exitOK, code, c.stderr.String())
	require.Regexp(t, `(?m)^greet  0\.0\.0\+\S+  javascript  \S+greet\.mjs  -        Greets$`, c.stdout.String())

	server := testenv.StartRedis(t)
	begin(t, nil, "worker", "--redis", server.URL, "--queue", "q", "--handlers", dir, "--cache-dir", t.TempDir())
	require.Eventually(t, func() bool {
		c, code = run(t, nil, "handler", "list", "--worker", "--redis", server.URL, "--json")
		return code == exitOK && strings.Contains(c.stdout.String(), `"greet"`)
	}, poll, tick)
	var list []listedHandler
	require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &list))
	for _, h := range list {
		require.Len(t, h.Workers, 1)
	}

	c, code = run(t, nil, "handler", "list", "--worker", "--data-dir", t.TempDir())
	require.Equal(t, exitUsage, code)
	require.Contains(t, c.stderr.String(), "name a Redis with --redis, or start jobrunner dev here")
}

func TestHandlerNewWritesWhatRunsAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my handlers")
	c, code := run(t, nil, "handler", "new", "say-hello", "--lang", "js", "--dir", dir)
	require.Equal(t, exitOK, code, c.stderr.String())
	file := filepath.Join(dir, "say-hello.js")
	require.Contains(t, c.stdout.String(), "jobrunner handler run '"+file+"'")
	require.Contains(t, c.stdout.String(), "jobrunner dev --handlers '"+dir+"'")

	c, code = run(t, nil, "handler", "run", file, "--cache-dir", t.TempDir())
	require.Equal(t, exitOK, code, c.stderr.String())
	require.JSONEq(t, `{"greetings":["Hello, Ada!","Hello, Grace!","Hello, Linus!"]}`, c.stdout.String())

	c, code = run(t, nil, "handler", "new", "say-hello", "--lang", "js", "--dir", dir)
	require.Equal(t, exitUsage, code)
	require.Contains(t, c.stderr.String(), "exists already")
}
