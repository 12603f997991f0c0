package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// processesWith returns the processes whose environment holds a text. That of
// handlers' processes names their temporary directory, and so their worker's.
func processesWith(t *testing.T, text string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	var found []string
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err == nil && bytes.Contains(environ, []byte(text)) {
			found = append(found, filepath.Base(filepath.Dir(path)))
		}
	}
	return found
}

// requireNoProcess waits until the worker with that cache has no processes.
func requireNoProcess(t *testing.T, cache string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(processesWith(t, cache+"/")) == 0 },
		5*time.Second, 10*time.Millisecond, "processes are left")
}

// requireNoTemp looks for temporary directories of processes and jobs.
func requireNoTemp(t *testing.T, cache string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(cache, func(path string, _ fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "run-") || strings.HasPrefix(name, "job-") {
			return errors.New(path + " is left")
		}
		return err
	}))
}

func TestACrashFailsOnlyTheJobsInside(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, faultyJS)
	f.requireFine(t, "the start")
	job, inside := newFault(t, "hangs"), make(chan error, 1)
	go func() {
		_, err := f.loaded.Host.Run(job, "faulty")
		inside <- err
	}()
	require.Eventually(t, func() bool { return len(job.Reported()) > 0 }, 5*time.Second, time.Millisecond, "it does not begin")
	_, err := f.run(t, "killed")
	var crash *runtime.CrashError
	require.ErrorAs(t, err, &crash)
	f.requireFine(t, "the crash")
	require.ErrorAs(t, <-inside, &crash)
}

func TestAHandlerThatStopsWhenToldKeepsItsProcess(t *testing.T) {
	t.Parallel()
	for _, file := range []string{faultyJS, faultyPython} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, file)
			f.requireFine(t, "the start")
			before := processesWith(t, f.cache+"/")
			_, err := f.run(t, "never")
			require.ErrorIs(t, err, errTimedOut)
			f.requireFine(t, "the end of one")
			require.Equal(t, before, processesWith(t, f.cache+"/"))
		})
	}
}

func TestAHandlerThatDoesNotStopIsEndedWithItsProcess(t *testing.T) {
	t.Parallel()
	for _, file := range []string{faultyJS, faultyPython} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, file)
			f.requireFine(t, "the start")
			before := processesWith(t, f.cache+"/")
			require.Len(t, before, 1)
			_, err := f.run(t, "ignoresAbort")
			require.ErrorIs(t, err, errTimedOut)
			require.ErrorContains(t, err, "did not stop within 300ms")
			f.requireFine(t, "another's process was given up")
			require.Eventually(t, func() bool {
				now := processesWith(t, f.cache+"/")
				return len(now) == 1 && now[0] != before[0]
			}, 5*time.Second, 10*time.Millisecond, "the process is left")
		})
	}
}

func TestJobsBesideOneThatDoesNotStopMayFinish(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, faultyJS)
	f.requireFine(t, "the start")
	beside := make(chan error, 1)
	go func() {
		_, err := f.run(t, "later")
		beside <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := run(t, ctx, f.loaded, "hangs")
	var unstoppable *runtime.UnstoppableError
	require.ErrorAs(t, err, &unstoppable)
	require.NoError(t, <-beside)
	requireNoProcess(t, f.cache)
}

func TestManyJobsShareOneProcess(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{
		"echo.mjs": `export default async (job) => { await new Promise(setImmediate); return job.data; };`,
		"echo.py":  "from jobrunner import handler\n\n@handler(name='echo')\nasync def echo(job):\n    return job.data\n",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, file, text)
			errs := make(chan error)
			const workers, each = 20, 50
			for w := range workers {
				go func() {
					for n := range each {
						data := `{"w":` + strconv.Itoa(w) + `,"n":` + strconv.Itoa(n) + `}`
						result, err := loaded.Host.Run(newJob(t, data), "echo")
						if err == nil && string(result) != data {
							err = errors.New(data + " came back as " + string(result))
						}
						errs <- err
					}
				}()
			}
			for range workers * each {
				require.NoError(t, <-errs)
			}
		})
	}
}

func TestHandlersDoNotSeeTheWorkersEnvironment(t *testing.T) {
	t.Setenv("JOBRUNNER_SECRET", "hunter2")
	loaded := load(t, "env.mjs", `export default () => ({ secret: process.env.JOBRUNNER_SECRET ?? null, path: !!process.env.PATH });`)
	result, err := loaded.Host.Run(newJob(t, `{}`), "env")
	require.NoError(t, err)
	require.JSONEq(t, `{"secret":null,"path":true}`, string(result))
}
