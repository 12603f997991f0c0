package runtime_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// startsJS and startsPython note each start of their process in a file.
const (
	startsJS = `import { appendFileSync } from "node:fs";
appendFileSync(new URL("./starts", import.meta.url), "start\n");
export default { name: "lazy", version: "1.0.0", run: () => 42 };`
	startsPython = `import os.path
from jobrunner import handler
with open(os.path.join(os.path.dirname(__file__), "starts"), "a") as f:
    f.write("start\n")

@handler(version="1.0.0")
def lazy(job):
    return 42
`
)

// lazyModule is a module whose starts are counted, loaded by workers one after
// the other that share a cache.
type lazyModule struct {
	t          *testing.T
	path       string
	cache      string
	wantStarts int
}

func newLazyModule(t *testing.T, file, text string) *lazyModule {
	t.Helper()
	return &lazyModule{t: t, path: writeFile(t, t.TempDir(), file, text), cache: t.TempDir()}
}

func (m *lazyModule) load(change func(*runtime.LoaderOptions, *runtime.Module)) *runtime.Loaded {
	m.t.Helper()
	module := runtime.Module{Path: m.path}
	loader := newLoaderWith(m.t, func(o *runtime.LoaderOptions) {
		o.CacheDir = m.cache
		change(o, &module)
	})
	loaded, err := loader.Load(m.t.Context(), module)
	require.NoError(m.t, err)
	m.t.Cleanup(loaded.Host.Close)
	return loaded
}

func (m *lazyModule) run(loaded *runtime.Loaded) {
	m.t.Helper()
	result, err := loaded.Host.Run(newJob(m.t, `{}`), "lazy")
	require.NoError(m.t, err)
	require.Equal(m.t, "42", string(result))
}

// requireStarts expects further starts since it was last asked.
func (m *lazyModule) requireStarts(further int, why string) {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(m.path), "starts"))
	require.NoError(m.t, err)
	m.wantStarts += further
	require.Len(m.t, text, m.wantStarts*len("start\n"), why)
}

func plain(*runtime.LoaderOptions, *runtime.Module) {}

func TestAProcessStartsWithItsFirstJob(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{"lazy.mjs": startsJS, "lazy.py": startsPython} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			m := newLazyModule(t, file, text)
			first := m.load(plain)
			m.requireStarts(1, "nobody has described this content yet")
			m.run(first)
			m.run(first)
			m.requireStarts(1, "the first job")

			next := m.load(plain)
			require.Equal(t, first.Handlers, next.Handlers)
			require.Equal(t, first.Hash, next.Hash)
			m.requireStarts(0, "the description is known")
			m.run(next)
			m.requireStarts(1, "the first job")

			writeFile(t, filepath.Dir(m.path), file, text+"\n\n")
			changed := m.load(plain)
			m.requireStarts(1, "another content")
			require.NotEqual(t, first.Hash, changed.Hash)
		})
	}
}

func TestAProcessForANewVersionStaysForItsJobs(t *testing.T) {
	t.Parallel()
	m := newLazyModule(t, "lazy.mjs", startsJS)
	loaded := m.load(func(_ *runtime.LoaderOptions, module *runtime.Module) { module.Hot = true })
	m.run(loaded)
	m.requireStarts(1, "the process that described the module runs its jobs")
}

func TestAProcessThatIsKeptAliveStartsAtOnce(t *testing.T) {
	t.Parallel()
	m := newLazyModule(t, "lazy.mjs", startsJS)
	keep := func(o *runtime.LoaderOptions, module *runtime.Module) {
		module.KeepAlive, o.Limits.IdleTimeout = true, time.Millisecond
	}
	m.run(m.load(keep))
	m.requireStarts(1, "to be described, and to stay")
	kept := m.load(keep)
	m.requireStarts(1, "though the description is known")
	m.run(kept)
	m.requireStarts(0, "it is there already")
}

func TestAnIdleProcessEnds(t *testing.T) {
	t.Parallel()
	m := newLazyModule(t, "lazy.mjs", startsJS)
	loaded := m.load(func(o *runtime.LoaderOptions, _ *runtime.Module) { o.Limits.IdleTimeout = 100 * time.Millisecond })
	m.run(loaded)
	m.requireStarts(2, "to be described, and for the job")
	requireNoProcess(t, m.cache)
	m.run(loaded)
	m.requireStarts(1, "a further job")
}

func TestWhatWasDescribedIsForgottenWhenItIsDamaged(t *testing.T) {
	t.Parallel()
	m := newLazyModule(t, "lazy.mjs", startsJS)
	m.load(plain)
	m.requireStarts(1, "nobody has described this content yet")
	found, err := filepath.Glob(filepath.Join(m.cache, "descriptions", "*.json"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, os.WriteFile(found[0], []byte(`{"protocol":`), 0o600))
	m.run(m.load(plain))
	m.requireStarts(2, "to be described again, and for the job")
}

func TestAProcessThatDoesNotStartFailsItsJobWithThePlace(t *testing.T) {
	t.Parallel()
	m := newLazyModule(t, "lazy.mjs", `import { existsSync } from "node:fs";
if (existsSync(new URL("./broken", import.meta.url))) throw new Error("no such database");
`+startsJS)
	loaded := m.load(plain)
	m.run(loaded)
	writeFile(t, filepath.Dir(m.path), "broken", "")
	next := m.load(plain)
	_, err := next.Host.Run(newJob(t, `{}`), "lazy")
	var failed *runtime.StartError
	require.ErrorAs(t, err, &failed)
	require.EqualError(t, err, "the handler could not be started: no such database ("+m.path+":2:61)")
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(m.path), "broken")))
	m.run(next)
}

func TestAProcessThatKeepsCrashingIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	path := writeFile(t, t.TempDir(), "crashes.mjs", `export default (job) => job.data.crash ? process.kill(process.pid, "SIGKILL") : "fine";`)
	loaded, err := newLoaderWith(t, func(o *runtime.LoaderOptions) { o.Limits.MaxBackoff = 3 * time.Second }).
		Load(t.Context(), runtime.Module{Path: path})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	for range 5 {
		_, err = loaded.Host.Run(newJob(t, `{"crash":true}`), "crashes")
		var crash *runtime.CrashError
		require.ErrorAs(t, err, &crash)
	}
	job := newJob(t, `{}`)
	_, err = loaded.Host.Run(job, "crashes")
	var control *bullmq.ControlError
	require.ErrorAs(t, err, &control)
	require.Equal(t, bullmq.OutcomeDelayed, control.Kind)
	require.Contains(t, job.Logged()[0], "has crashed 5 times in a row; the job is tried again in")
	require.Eventually(t, func() bool {
		result, err := loaded.Host.Run(newJob(t, `{}`), "crashes")
		return err == nil && string(result) == `"fine"`
	}, 20*time.Second, 50*time.Millisecond, "it is tried again after the pause")
}
