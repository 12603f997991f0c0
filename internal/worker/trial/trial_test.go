package trial_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/trial"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// library opens handler files of the given names and texts.
func library(t *testing.T, files map[string]string) *trial.Library {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return open(t, dir)
}

func open(t *testing.T, path string) *trial.Library {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	loader, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: t.TempDir(), Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, loader.Close()) })
	l, err := trial.Open(t.Context(), loader, log, path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	for _, p := range l.Problems() {
		t.Logf("%s:%d: %s", p.File, p.Line, p.Message)
	}
	return l
}

// record collects a run's events.
type record struct {
	mu     sync.Mutex
	events []trial.Event // guarded by mu
	seen   chan trial.Event
}

func newRecord() *record { return &record{seen: make(chan trial.Event, 1000)} }

func (r *record) emit(e trial.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	r.seen <- e
}

// of returns the events of a kind.
func (r *record) of(kind trial.EventKind) []trial.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []trial.Event
	for _, e := range r.events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

const everything = `
import { defineHandler } from "@jobrunner/handler";
export default defineHandler({
  name: "everything",
  schema: { type: "object", required: ["n"], properties: { n: { type: "integer", default: 3 } } },
  resultSchema: { type: "object", required: ["sum"] },
  defaults: { attempts: 5 },
  async run(job) {
    await job.log("state " + JSON.stringify(job.state ?? null));
    await job.progress({ half: true });
    await job.saveState({ done: job.data.n });
    await job.updateData({ n: 4 });
    const added = await job.addChildren([{ name: "part", data: { x: 1 } }, { name: "part", data: {}, queue: "other" }]);
    await job.addJobs([{ name: "more", data: {} }]);
    const children = await job.childrenValues();
    const counts = await job.dependencies();
    return { added, children, counts, attempt: job.attempt, of: job.maxAttempts };
  },
});`

func TestARunAnswersFromMemoryWhatAHandlerAsks(t *testing.T) {
	t.Parallel()
	l := library(t, map[string]string{"everything.ts": everything})
	r := newRecord()
	last, err := l.Run(t.Context(), trial.Job{
		Handler: "everything", State: json.RawMessage(`{"done":1}`), Attempt: 2,
		Children: map[string]json.RawMessage{"bull:default:9": json.RawMessage(`"nine"`)},
	}, r.emit)
	require.NoError(t, err)
	require.Equal(t, trial.EventCompleted, last.Kind, "%+v", last.Failure)
	require.JSONEq(t, `{"added":[{"id":"2","queue":"default"},{"id":"3","queue":"other"}],
		"children":{"bull:default:9":"nine"},"counts":{"processed":1,"unprocessed":2,"ignored":0,"failed":0},
		"attempt":2,"of":5}`, string(last.Value))

	require.JSONEq(t, `{"n":3}`, string(r.of(trial.EventStarted)[0].Value), "the schema's default")
	require.Equal(t, `state {"done":1}`, r.of(trial.EventLog)[0].Text)
	require.JSONEq(t, `{"half":true}`, string(r.of(trial.EventProgress)[0].Value))
	require.JSONEq(t, `{"done":3}`, string(r.of(trial.EventState)[0].Value))
	require.JSONEq(t, `{"n":4}`, string(r.of(trial.EventData)[0].Value))
	require.Len(t, r.of(trial.EventChild), 2)
	require.Equal(t, "more", r.of(trial.EventJob)[0].Job.Name)
	require.Contains(t, r.of(trial.EventWarning)[0].Text, "/sum is required")
}

func TestAFailureLeadsToTheAuthorsLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files map[string]string
		want  trial.Failure
	}{
		"TypeScript, in an imported file": {
			map[string]string{
				"bad.ts":       "import { inner } from \"./lib/inner\";\n\nexport default { name: \"bad\", run: () => inner(undefined) };\n",
				"lib/inner.ts": "interface X { y: { z: number } }\n\nexport function inner(x?: X): number {\n  return x!.y.z;\n}\n",
			},
			trial.Failure{Name: "TypeError", File: "lib/inner.ts", Line: 4, Column: 13, Frame: "> 4 |   return x!.y.z;\n"},
		},
		"Python": {
			map[string]string{"bad.py": "from jobrunner import handler\n\n@handler(name='bad')\ndef bad(job):\n    return {}['nope']\n"},
			trial.Failure{Name: "KeyError", File: "bad.py", Line: 5, Frame: ">  5 |     return {}['nope']\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := library(t, tt.files)
			last, err := l.Run(t.Context(), trial.Job{Handler: "bad"}, func(trial.Event) {})
			require.NoError(t, err)
			require.Equal(t, trial.EventFailed, last.Kind)
			f := last.Failure
			require.Equal(t, tt.want.Name, f.Name)
			require.Contains(t, f.File, tt.want.File)
			require.Equal(t, tt.want.Line, f.Line)
			if tt.want.Column > 0 {
				require.Equal(t, tt.want.Column, f.Column)
			}
			require.NotEmpty(t, f.Frame)
			require.False(t, f.Unrecoverable)
			require.NotEmpty(t, f.Stack)
		})
	}
}

func TestDataThatDoesNotMeetTheSchemaFailsForGood(t *testing.T) {
	t.Parallel()
	l := library(t, map[string]string{"everything.ts": everything})
	last, err := l.Run(t.Context(), trial.Job{Handler: "everything", Data: json.RawMessage(`{"n":"x"}`)}, func(trial.Event) {})
	require.NoError(t, err)
	require.Equal(t, trial.EventFailed, last.Kind)
	require.True(t, last.Failure.Unrecoverable)
	require.Contains(t, last.Failure.Message, "/n")
}

func TestAHandlerThatPutsItsJobBackHasNotFailed(t *testing.T) {
	t.Parallel()
	l := library(t, map[string]string{
		"later.js":   `export default { name: "later", run(job) { job.delay(5000); } };`,
		"waiting.js": `export default { name: "waiting", async run(job) { await job.addChildren([{ name: "x", data: {} }]); job.waitForChildren(); } };`,
	})
	for name, want := range map[string]trial.Postponed{
		"later": {To: bullmq.OutcomeDelayed, DelayMS: 5000}, "waiting": {To: bullmq.OutcomeWaitingChildren},
	} {
		last, err := l.Run(t.Context(), trial.Job{Handler: name}, func(trial.Event) {})
		require.NoError(t, err)
		require.Equal(t, trial.EventPostponed, last.Kind, "%+v", last.Failure)
		require.Equal(t, &want, last.Postponed)
		require.NotEmpty(t, last.Text)
	}
}

func TestAHandlerIsAbortedByItsTimeoutAndByItsAuthor(t *testing.T) {
	t.Parallel()
	l := library(t, map[string]string{"slow.js": `export default { name: "slow", run: (job) => new Promise((_, reject) => {
		job.log("waiting");
		job.signal.addEventListener("abort", () => { job.log("aborted"); reject(job.signal.reason); });
	}) };`})
	last, err := l.Run(t.Context(), trial.Job{Handler: "slow", Timeout: 50 * time.Millisecond}, func(trial.Event) {})
	require.NoError(t, err)
	require.Equal(t, "timed out after 50ms", last.Failure.Message)

	ctx, cancel := context.WithCancelCause(t.Context())
	r := newRecord()
	var g sync.WaitGroup
	g.Go(func() {
		for e := range r.seen {
			if e.Kind == trial.EventLog {
				cancel(errors.New("stopped by its author"))
				return
			}
		}
	})
	last, err = l.Run(ctx, trial.Job{Handler: "slow"}, r.emit)
	g.Wait()
	require.NoError(t, err)
	require.Equal(t, "stopped by its author", last.Failure.Message)
	require.Equal(t, "aborted", r.of(trial.EventLog)[1].Text)
}

func TestALibraryTellsWhatIsWrongWithItsSources(t *testing.T) {
	t.Parallel()
	l := library(t, map[string]string{
		"a.js":      `export default { name: "same", run() {} };`,
		"b.py":      "from jobrunner import handler\n@handler(name='same')\ndef run(job): pass\n",
		"broken.ts": "export default {\n  run( { },\n};\n",
		"broken.py": "from jobrunner import handler\n\ndef run(job)\n    pass\n",
		"schema.js": `export default { name: "schema", schema: { type: "strange" }, run() {} };`,
		"name.js":   `export default { name: "bad\nname", run() {} };`,
		"_lib.js":   `this is no handler`,
	})
	problems := map[string]string{}
	for _, p := range l.Problems() {
		problems[filepath.Base(p.File)] = p.Message
		switch filepath.Base(p.File) {
		case "broken.ts":
			require.Equal(t, 3, p.Line)
		case "broken.py":
			require.Equal(t, 3, p.Line)
		}
	}
	require.Len(t, problems, 5)
	require.Contains(t, problems["b.py"], `handler "same"`)
	require.Contains(t, problems["b.py"], "a.js")
	require.Contains(t, problems["schema.js"], "/type")
	require.Contains(t, problems["name.js"], "control characters")

	name, err := l.Choose("")
	require.NoError(t, err)
	require.Equal(t, "same", name)
	_, err = l.Choose("other")
	require.ErrorContains(t, err, "there is same")
}

func TestOpenRefusesWhatIsNoHandler(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	loader, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: t.TempDir(), Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, loader.Close()) })
	text := filepath.Join(t.TempDir(), "notes.txt")
	require.NoError(t, os.WriteFile(text, nil, 0o600))
	_, err = trial.Open(t.Context(), loader, log, text)
	require.ErrorContains(t, err, "is no handler")
	_, err = trial.Open(t.Context(), loader, log, text+".gone")
	require.ErrorIs(t, err, os.ErrNotExist)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = trial.Open(ended, loader, log, filepath.Dir(text))
	require.ErrorIs(t, err, context.Canceled)
}

func TestExamplesComeFromDefaultsAndExamples(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		``:                               `{}`,
		`true`:                           `{}`,
		`{"default":[1]}`:                `[1]`,
		`{"examples":[{"a":1},{"a":2}]}`: `{"a":1}`,
		`{"properties":{"a":{"default":false},"b":{"examples":["x"]},"c":{"const":3},"d":{},
			"e":{"properties":{"f":{"default":null}}}}}`: `{"a":false,"b":"x","c":3,"e":{"f":null}}`,
	} {
		require.JSONEq(t, want, string(trial.Example(json.RawMessage(schema))), schema)
	}
}
