package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// faultyJS and faultyPython do on demand what handlers should not do.
const faultyJS = `
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { UnrecoverableError } from "@jobrunner/handler";

class OutOfPaper extends Error { name = "OutOfPaper"; }

const faults = {
  fine: () => "fine",
  pid: () => process.pid,
  throws: () => { throw new OutOfPaper("no paper left"); },
  rejects: async () => { await null; return Promise.reject(new OutOfPaper("no paper left")); },
  throwsText: () => { throw "just text"; },
  unrecoverable: () => { throw new UnrecoverableError("never again"); },
  delays: (job) => job.delay(1500),
  exits: () => process.exit(3),
  aborts: () => process.kill(process.pid, "SIGKILL"),
  rejectsLater: () => new Promise(() => { setTimeout(() => { Promise.reject(new OutOfPaper("too late")); }, 1); }),
  throwsLater: () => new Promise(() => { setTimeout(() => { throw new OutOfPaper("in a timer"); }, 1); }),
  rubbish: () => { writeSync(1, 'rubbish\n{"jsonrpc":"1.0"}\n{"half":\n\n'); return "fine"; },
  half: () => { writeSync(1, "half a line"); return "fine"; },
  floods: () => {
    const line = Buffer.alloc(1 << 16, "x");
    for (let left = 64 << 20; left > 0; ) { try { left -= writeSync(1, line); } catch { /* the pipe is full */ } }
  },
  notJSON: () => () => 0,
  circular: () => { const o = {}; o.o = o; return o; },
  bigint: () => 1n,
  tooLarge: () => "x".repeat(2 << 20),
  nothing: () => undefined,
  never: () => new Promise(() => {}),
  stops: (job) => new Promise((_, reject) => job.signal.addEventListener("abort", () => reject(job.signal.reason))),
  blocks: () => { for (;;); },
  forks: () => spawn("sleep", ["1000"], { detached: false, stdio: "ignore" }).pid,
  soon: () => new Promise((resolve) => setTimeout(() => resolve("soon"), 800)),
};
export default { name: "faulty", run: (job) => faults[job.data.fault](job) };
`

const faultyPython = `
import os, subprocess, sys, time
from jobrunner import Delay, Unrecoverable, handler

class OutOfPaper(Exception):
    pass

def throws(job): raise OutOfPaper("no paper left")
def unrecoverable(job): raise Unrecoverable("never again")
def delays(job): raise Delay(1.5)
def exits(job): sys.exit(3)
def rubbish(job):
    os.write(1, b"rubbish\n")
    return "fine"
def never(job): time.sleep(1000)
def stops(job): job.sleep(1000)

faults = {
    "fine": lambda job: "fine", "pid": lambda job: os.getpid(), "throws": throws, "unrecoverable": unrecoverable,
    "delays": delays, "exits": exits, "aborts": lambda job: os.kill(os.getpid(), 9), "dies": lambda job: os._exit(3),
    "rubbish": rubbish, "half": lambda job: os.write(1, b"half a line") and "fine", "notJSON": lambda job: object(), "nan": lambda job: float("nan"),
    "tooLarge": lambda job: "x" * (2 << 20), "nothing": lambda job: None, "never": never, "stops": stops,
    "forks": lambda job: subprocess.Popen(["sleep", "1000"]).pid,
}

@handler()
def faulty(job):
    return faults[job.data["fault"]](job)
`

var faulty = map[string]string{"faulty.mjs": faultyJS, "faulty.py": faultyPython}

func runFault(t *testing.T, ctx context.Context, loaded *runtime.Loaded, fault string) (string, error) {
	t.Helper()
	job := newJob(t, `{"fault":"`+fault+`"}`)
	job.Context = ctx
	result, err := loaded.Host.Run(job, "faulty")
	return string(result), err
}

func TestAHandlersErrorKeepsItsNameAndStack(t *testing.T) {
	t.Parallel()
	for file, text := range faulty {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			_, err := runFault(t, t.Context(), load(t, file, text), "throws")
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

func TestAFaultyJobFailsWithAReasonAndOthersGoOn(t *testing.T) {
	t.Parallel()
	wants := map[string]map[string]string{
		"faulty.mjs": {
			"rejects": "no paper left", "throwsText": "just text", "unrecoverable": "never again",
			"delays": "job is delayed for 1.5s", "exits": "the handler called process.exit(3)",
			"rejectsLater": "too late", "throwsLater": "in a timer",
			"notJSON": "the result is not JSON: it is a function", "circular": "the result is not JSON: Converting circular",
			"bigint": "the result is not JSON: Do not know how", "tooLarge": "more than the 1048576 allowed",
			"aborts": "the handler's process was killed", "floods": "line is too long: more than 2097152 bytes",
		},
		"faulty.py": {
			"unrecoverable": "never again", "delays": "job is delayed for 1.5s", "exits": "the handler called sys.exit(3)",
			"notJSON": "the result is not JSON: Object of type object", "nan": "the result is not JSON: Out of range",
			"tooLarge": "more than the 1048576 allowed", "aborts": "the handler's process was killed",
			"dies": "the handler's process exited with code 3 while the job ran",
		},
	}
	for file, text := range faulty {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, file, text)
			for fault, want := range wants[file] {
				_, err := runFault(t, t.Context(), loaded, fault)
				require.ErrorContains(t, err, want, fault)
				require.Equal(t, fault == "unrecoverable", bullmq.IsUnrecoverable(err), fault)
				result, err := runFault(t, t.Context(), loaded, "fine")
				require.NoError(t, err, "after %s", fault)
				require.Equal(t, `"fine"`, result)
			}
			for fault, want := range map[string]string{"rubbish": `"fine"`, "half": `"fine"`, "nothing": `null`} {
				result, err := runFault(t, t.Context(), loaded, fault)
				require.NoError(t, err, fault)
				require.Equal(t, want, result, fault)
			}
		})
	}
}

func TestACrashFailsOnlyTheJobsInside(t *testing.T) {
	t.Parallel()
	loaded := load(t, "faulty.mjs", faultyJS)
	inside := make(chan error, 1)
	go func() {
		_, err := runFault(t, t.Context(), loaded, "never")
		inside <- err
	}()
	pid, err := runFault(t, t.Context(), loaded, "pid")
	require.NoError(t, err)
	_, err = runFault(t, t.Context(), loaded, "aborts")
	var crash *runtime.CrashError
	require.ErrorAs(t, err, &crash)
	require.ErrorAs(t, <-inside, &crash)
	next, err := runFault(t, t.Context(), loaded, "pid")
	require.NoError(t, err)
	require.NotEqual(t, pid, next, "a new process has taken over")
}

func TestAHandlerIsToldToStop(t *testing.T) {
	t.Parallel()
	errTimedOut := errors.New("timed out after 100ms")
	for file, text := range faulty {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, file, text)
			pid, err := runFault(t, t.Context(), loaded, "pid")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errTimedOut)
			defer cancel()
			_, err = runFault(t, ctx, loaded, "stops")
			require.ErrorIs(t, err, errTimedOut)
			next, err := runFault(t, t.Context(), loaded, "pid")
			require.NoError(t, err)
			require.Equal(t, pid, next, "the process is the same, as the handler did as told")
		})
	}
}

func TestAHandlerThatDoesNotStopIsEndedWithItsProcess(t *testing.T) {
	t.Parallel()
	errTimedOut := errors.New("timed out after 100ms")
	for file, fault := range map[string]string{"faulty.mjs": "blocks", "faulty.py": "never"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, file, faulty[file])
			pid, err := runFault(t, t.Context(), loaded, "pid")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errTimedOut)
			defer cancel()
			_, err = runFault(t, ctx, loaded, fault)
			require.ErrorIs(t, err, errTimedOut)
			require.ErrorContains(t, err, "did not stop within 300ms")
			requireGone(t, atoi(t, pid))
			result, err := runFault(t, t.Context(), loaded, "fine")
			require.NoError(t, err)
			require.Equal(t, `"fine"`, result)
		})
	}
}

func TestJobsBesideOneThatDoesNotStopMayFinish(t *testing.T) {
	t.Parallel()
	loaded := load(t, "faulty.mjs", faultyJS)
	pid, err := runFault(t, t.Context(), loaded, "pid")
	require.NoError(t, err)
	beside := make(chan string, 1)
	go func() {
		result, err := runFault(t, t.Context(), loaded, "soon")
		beside <- result + " " + strconv.FormatBool(err == nil)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = runFault(t, ctx, loaded, "never")
	var unstoppable *runtime.UnstoppableError
	require.ErrorAs(t, err, &unstoppable)
	require.Equal(t, `"soon" true`, <-beside)
	requireGone(t, atoi(t, pid))
}

func TestNoProcessIsLeft(t *testing.T) {
	t.Parallel()
	for file, text := range faulty {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, t.TempDir(), file, text)
			loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
			require.NoError(t, err)
			var pids []int
			for _, fault := range []string{"pid", "forks", "forks"} {
				pid, err := runFault(t, t.Context(), loaded, fault)
				require.NoError(t, err)
				pids = append(pids, atoi(t, pid))
			}
			loaded.Host.Close()
			for _, pid := range pids {
				requireGone(t, pid)
			}
		})
	}
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

func atoi(t *testing.T, text string) int {
	t.Helper()
	var n int
	require.NoError(t, json.Unmarshal([]byte(text), &n))
	return n
}
