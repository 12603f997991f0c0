package runtime_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// The handlers in testdata do on demand what handlers should not do. Each of
// them knows most of the faults below.
const (
	faultyJS     = "faulty.mjs"
	faultyPython = "faulty.py"
	faultyShell  = "faulty.sh"
)

var faultyFiles = []string{faultyJS, faultyPython, faultyShell}

var errTimedOut = errors.New("timed out after 200ms")

// faults are the ways to fail with what a person then reads, by language.
var faults = map[string]map[string]string{
	"throws":        {faultyJS: "no paper left", faultyPython: "no paper left", faultyShell: "no paper left (exit code 3)"},
	"rejects":       {faultyJS: "no paper left"},
	"rejectsLater":  {faultyJS: "too late", faultyPython: "too late"},
	"throwsLater":   {faultyJS: "in a timer"},
	"throwsText":    {faultyJS: "just text"},
	"unrecoverable": {faultyJS: "never again", faultyPython: "never again", faultyShell: "never again (exit code 65)"},
	"delays":        {faultyJS: "job is delayed for 1.5s", faultyPython: "job is delayed for 1.5s"},
	"exits": {
		faultyJS:     "the handler called process.exit(3)",
		faultyPython: "the handler called sys.exit(3)",
		faultyShell:  "the program exited with code 3",
	},
	"exitsHard": {faultyPython: "the handler's process exited with code 3 while the job ran"},
	"segfaults": everywhere("the handler's process crashed (signal SEGV, segmentation fault) while the job ran"),
	"killed":    everywhere("the handler's process was killed"),
	"never":     everywhere("timed out after 200ms"),
	"ignoresAbort": {
		faultyJS:     "did not stop within 300ms",
		faultyPython: "did not stop within 300ms",
		faultyShell:  "timed out after 200ms",
	},
	"notJSON": {
		faultyJS:     "the result is not JSON: it is a function",
		faultyPython: "the result is not JSON",
	},
	"circular": {faultyJS: "the result is not JSON: Converting circular"},
	"bigint":   {faultyJS: "the result is not JSON: Do not know how"},
	"nan":      {faultyPython: "the result is not JSON"},
	"hundredMegabytes": {
		faultyJS: "more than the 1048576 allowed", faultyPython: "more than the 1048576 allowed",
		faultyShell: "the program was ended because it wrote more than 64 MiB to stdout and stderr",
	},
	"memory": {
		faultyJS:     "the handler's process ran out of memory (it may use 512 MiB) while the job ran",
		faultyPython: "the job ran out of memory",
		faultyShell:  "memory exhausted",
	},
}

// oddities are no failures, though the handler does as it should not.
var oddities = map[string]map[string]string{
	"rubbish":      everywhere(`"fine"`),
	"half":         {faultyJS: `"fine"`, faultyPython: `"fine"`},
	"nothing":      everywhere(`null`),
	"forks":        everywhere(`"fine"`),
	"notJSON":      {faultyShell: `"not { JSON"`},
	"changesFiles": everywhere(`"fine"`),
}

func everywhere(text string) map[string]string {
	return map[string]string{faultyJS: text, faultyPython: text, faultyShell: text}
}

// faulty is a worker with one of the handlers in testdata.
type faulty struct {
	file   string
	cache  string // where the worker keeps all its files
	loader *runtime.Loader
	loaded *runtime.Loaded
}

func newFaulty(t *testing.T, file string) *faulty {
	t.Helper()
	f := &faulty{file: file, cache: t.TempDir()}
	policy := sandbox.Default()
	policy.Memory = 512 << 20
	var err error
	f.loader, err = runtime.NewLoader(runtime.LoaderOptions{
		CacheDir: f.cache, Limits: fastLimits, Logger: testLogger(t), Policy: &policy,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.loader.Close()) })
	f.loaded = f.load(t)
	return f
}

// load loads the handler, from a file of its own.
func (f *faulty) load(t *testing.T) *runtime.Loaded {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", f.file))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), f.file)
	require.NoError(t, os.WriteFile(path, text, 0o700))
	loaded, err := f.loader.Load(t.Context(), runtime.Module{Path: path})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	return loaded
}

func newFault(t *testing.T, fault string) *handlertest.Context {
	t.Helper()
	return newJob(t, `{"fault":"`+fault+`"}`)
}

func run(t *testing.T, ctx context.Context, loaded *runtime.Loaded, fault string) (string, error) {
	t.Helper()
	job := newFault(t, fault)
	job.Context = ctx
	result, err := loaded.Host.Run(job, "faulty")
	return string(result), err
}

// run runs a job with a fault, for at most 200 ms if it is one that does not end.
func (f *faulty) run(t *testing.T, fault string) (string, error) {
	t.Helper()
	if fault != "never" && fault != "ignoresAbort" {
		return run(t, t.Context(), f.loaded, fault)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	job := newFault(t, fault)
	job.Context = ctx
	go func() {
		// What ignores the abort says that it has begun to; busy JavaScript cannot.
		for fault == "ignoresAbort" && f.file != faultyJS && len(job.Reported()) == 0 && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		time.AfterFunc(200*time.Millisecond, func() { cancel(errTimedOut) })
	}()
	result, err := f.loaded.Host.Run(job, "faulty")
	return string(result), err
}

func (f *faulty) requireFine(t *testing.T, after string) {
	t.Helper()
	result, err := f.run(t, "fine")
	require.NoError(t, err, "after %s", after)
	require.Equal(t, `"fine"`, result, "after %s", after)
}

// requireNothingLeft ends the handler and looks for what it may have left.
func (f *faulty) requireNothingLeft(t *testing.T) {
	t.Helper()
	f.loaded.Host.Close()
	requireNoProcess(t, f.cache)
	requireNoTemp(t, f.cache)
}

func TestAFaultyJobFailsWithAReasonAndOthersGoOn(t *testing.T) {
	t.Parallel()
	for _, file := range faultyFiles {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, file)
			beside := f.load(t)
			others := make(chan error, 1)
			for fault, wants := range faults {
				want, known := wants[file]
				if !known {
					continue
				}
				go func() {
					_, err := run(t, t.Context(), beside, "soon")
					others <- err
				}()
				_, err := f.run(t, fault)
				require.ErrorContains(t, err, want, fault)
				require.Equal(t, fault == "unrecoverable", bullmq.IsUnrecoverable(err), fault)
				f.requireFine(t, fault)
				require.NoError(t, <-others, "a job of another handler, beside %s", fault)
			}
			beside.Host.Close()
			f.requireNothingLeft(t)
		})
	}
}

func TestAnOddJobCompletes(t *testing.T) {
	t.Parallel()
	for _, file := range faultyFiles {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, file)
			for oddity, wants := range oddities {
				if want, known := wants[file]; known && oddity != "changesFiles" {
					result, err := f.run(t, oddity)
					require.NoError(t, err, oddity)
					require.Equal(t, want, result, oddity)
				}
			}
			result, err := f.run(t, "changesFiles")
			require.NoError(t, err)
			require.Equal(t, oddities["changesFiles"][file], result)
			if file == faultyShell {
				_, err = f.run(t, "fine")
				require.ErrorContains(t, err, "no such file or directory", "each job starts the program anew")
			} else {
				f.requireFine(t, "the file was removed, which the loaded version does not need")
			}
			f.requireNothingLeft(t)
		})
	}
}

// TestAFloodOfOutputFillsNothing runs on its own, as it looks at the memory of
// this process.
func TestAFloodOfOutputFillsNothing(t *testing.T) {
	const tooMuch = "the program was ended because it wrote more than"
	for file, floods := range map[string]map[string]string{
		faultyJS: {
			"floods": "", "floodsLog": "",
			"floodsLine": "the handler's process was ended because of what it wrote to stdout",
		},
		faultyPython: {"floods": "", "floodsLog": ""},
		faultyShell:  {"floods": tooMuch, "floodsLog": tooMuch, "floodsLine": tooMuch},
	} {
		for flood, want := range floods {
			t.Run(file+" "+flood, func(t *testing.T) {
				f := newFaulty(t, file)
				before := memory()
				result, err := f.loaded.Host.Run(unheard{newFault(t, flood)}, "faulty")
				if want == "" {
					require.NoError(t, err)
					require.Equal(t, `"fine"`, string(result))
				} else {
					require.ErrorContains(t, err, want)
				}
				// A quarter of the flood: a late collection of garbage is no fault, and with the
				// race detector memory counts double.
				require.Less(t, memory()-before, int64(256<<20), "bytes of memory taken meanwhile")
				f.requireFine(t, flood)
				f.requireNothingLeft(t)
			})
		}
	}
}

// unheard is a job whose log is not kept.
type unheard struct{ *handlertest.Context }

func (unheard) Log(string)          {}
func (unheard) Logf(string, ...any) {}

// memory is what this process has ever taken from the system.
func memory() int64 {
	var stats goruntime.MemStats
	goruntime.ReadMemStats(&stats)
	return int64(stats.Sys)
}

func TestAHandlersErrorKeepsItsNameAndStack(t *testing.T) {
	t.Parallel()
	for _, file := range []string{faultyJS, faultyPython} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			_, err := newFaulty(t, file).run(t, "throws")
			var named *bullmq.NamedError
			require.ErrorAs(t, err, &named)
			require.Equal(t, "OutOfPaper", named.Name)
			require.Equal(t, "no paper left", named.Message)
			require.Contains(t, named.Stack, file, "the stack names the source, not the bundle")
			require.NotContains(t, named.Stack, "bundle.mjs")
			require.False(t, bullmq.IsUnrecoverable(err))
		})
	}
}
