package runtime_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// family is one handler in each language that asks its worker for all there is.
var family = map[string]string{
	"family.mjs": `export default async (job) => {
	if (job.data.end) return job[job.data.end](...(job.data.with ?? []));
	const children = await job.addChildren([
		{ name: "a", data: { n: 12345678901234567890n.toString() }, opts: { attempts: 3, delay: 1000 } },
		{ name: "b", queue: "other" },
	]);
	const jobs = await job.addJobs([{ name: "c", data: [1] }]);
	const before = job.state ?? null;
	await job.saveState({ step: 2 });
	await job.updateData({ replaced: true });
	let refused = "";
	try { await job.addJobs([{ name: "d", dleay: 5 }]); } catch (error) { refused = error.message; }
	return {
		children, jobs, before, state: job.state, refused,
		values: await job.childrenValues(), failed: await job.failedChildren(), counts: await job.dependencies(),
		opts: job.opts, started: job.attemptsStarted,
	};
};`,
	"family.py": `
from jobrunner import handler

@handler()
def family(job):
    if "end" in job.data:
        return getattr(job, job.data["end"])(*job.data.get("with", []))
    children = job.add_children([
        {"name": "a", "data": {"n": "12345678901234567890"}, "opts": {"attempts": 3, "delay": 1000}},
        {"name": "b", "queue": "other"},
    ])
    jobs = job.add_jobs([{"name": "c", "data": [1]}])
    before = job.state
    job.save_state({"step": 2})
    job.update_data({"replaced": True})
    refused = ""
    try:
        job.add_jobs([{"name": "d", "dleay": 5}])
    except Exception as error:
        refused = str(error)
    return {
        "children": children, "jobs": jobs, "before": before, "state": job.state, "refused": refused,
        "values": job.children_values(), "failed": job.failed_children(), "counts": job.dependencies(),
        "opts": job.opts, "started": job.attempts_started,
    }
`,
	"family.go": `package main

import (
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

type end struct {
	End string ` + "`json:\"end\"`" + `
}

func family(ctx handler.Context, in end) (any, error) {
	switch in.End {
	case "delay":
		return nil, bullmq.DelayJob(1500 * time.Millisecond)
	case "waitForChildren":
		return nil, bullmq.WaitForChildren()
	case "release":
		return nil, bullmq.ReleaseJob()
	case "rateLimit":
		return nil, bullmq.RateLimitJob(1500 * time.Millisecond)
	}
	children, err := ctx.AddChildren(
		handler.NewJob{Name: "a", Data: map[string]any{"n": "12345678901234567890"}, Opts: &bullmq.JobOptions{Attempts: 3, Delay: time.Second}},
		handler.NewJob{Name: "b", Queue: "other"},
	)
	if err != nil {
		return nil, err
	}
	jobs, err := ctx.AddJobs(handler.NewJob{Name: "c", Data: []int{1}})
	if err != nil {
		return nil, err
	}
	before, _ := ctx.State()
	if err := ctx.SaveState(map[string]int{"step": 2}); err != nil {
		return nil, err
	}
	if err := ctx.UpdateData(map[string]bool{"replaced": true}); err != nil {
		return nil, err
	}
	_, refused := ctx.AddJobs(handler.NewJob{})
	state, _ := ctx.State()
	values, _ := ctx.ChildrenValues()
	failed, _ := ctx.FailedChildren()
	counts, _ := ctx.Dependencies()
	return map[string]any{
		"children": children, "jobs": jobs, "before": before, "state": state, "refused": refused.Error(),
		"values": values, "failed": failed, "opts": ctx.Job().Opts, "started": ctx.Job().AttemptsStarted,
		"counts": map[string]int64{
			"processed": counts.Processed, "unprocessed": counts.Unprocessed, "ignored": counts.Ignored, "failed": counts.Failed,
		},
	}, nil
}

func main() { handler.Main(handler.Must(handler.New("family", family, nil))) }
`,
}

func TestAHandlerAsksItsWorkerAndPutsItsJobBack(t *testing.T) {
	t.Parallel()
	for file, text := range family {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			loaded := load(t, file, text)
			requirePutsBack(t, loaded, file)
			job := newJob(t, `{}`)
			job.Job().Opts = bullmq.JobOptions{Attempts: 3, Backoff: &bullmq.Backoff{Type: bullmq.BackoffFixed, Delay: time.Second}}
			job.Children = map[string]json.RawMessage{"bull:q:1": json.RawMessage("2")}
			job.Failed = map[string]string{"bull:q:2": "no paper left"}
			job.Counts = bullmq.DependencyCounts{Processed: 1, Unprocessed: 2, Ignored: 3, Failed: 4}
			require.NoError(t, job.SaveState(json.RawMessage(`{"step":1}`)))

			result, err := loaded.Host.Run(job, "family")
			require.NoError(t, err)
			var got map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(result, &got))
			for key, want := range map[string]string{
				"children": `[{"id":"1","queue":"q"},{"id":"2","queue":"other"}]`, "jobs": `[{"id":"3","queue":"q"}]`,
				"before": `{"step":1}`, "state": `{"step":2}`, "values": `{"bull:q:1":2}`, "failed": `{"bull:q:2":"no paper left"}`,
				"counts": `{"processed":1,"unprocessed":2,"ignored":3,"failed":4}`,
				"opts":   `{"attempts":3,"backoff":{"type":"fixed","delay":1000}}`, "started": `5`,
			} {
				require.JSONEq(t, want, string(got[key]), key)
			}
			require.Contains(t, string(got["refused"]), "no job was added")
			state, err := job.State()
			require.NoError(t, err)
			require.JSONEq(t, `{"step":2}`, string(state))
			require.JSONEq(t, `{"replaced":true}`, string(job.UpdatedData()))
			require.Empty(t, cmp.Diff([]handler.NewJob{
				{Name: "a", Data: json.RawMessage(`{"n":"12345678901234567890"}`), Opts: &bullmq.JobOptions{Attempts: 3, Delay: time.Second}},
				{Name: "b", Queue: "other"},
			}, job.AddedChildren()))
			require.Empty(t, cmp.Diff([]handler.NewJob{{Name: "c", Data: json.RawMessage(`[1]`)}}, job.AddedJobs()))
		})
	}
}

func requirePutsBack(t *testing.T, loaded *runtime.Loaded, file string) {
	t.Helper()
	for end, tt := range map[string]struct{ js, python, want string }{
		"delay":           {`{"end":"delay","with":[1500]}`, `{"end":"delay","with":[1.5]}`, "job is delayed for 1.5s"},
		"waitForChildren": {`{"end":"waitForChildren"}`, `{"end":"wait_for_children"}`, "job waits for its children"},
		"release":         {`{"end":"release"}`, `{"end":"release"}`, "job goes back to wait"},
		"rateLimit":       {`{"end":"rateLimit","with":[1500]}`, `{"end":"rate_limit","with":[1.5]}`, "queue is rate limited for 1.5s"},
	} {
		data := map[string]string{"family.mjs": tt.js, "family.py": tt.python, "family.go": `{"end":"` + end + `"}`}[file]
		_, err := loaded.Host.Run(newJob(t, data), "family")
		require.EqualError(t, err, tt.want)
		var named *bullmq.NamedError
		require.NotErrorAs(t, err, &named, "it is no failure")
	}
}

// TestARequestAfterTheJobsEndIsRefused has a handler that leaves work behind.
func TestARequestAfterTheJobsEndIsRefused(t *testing.T) {
	t.Parallel()
	loaded := load(t, "late.mjs", `let refused = "nothing yet";
export default async (job) => {
	if (job.data.ask) return refused;
	setTimeout(() => job.childrenValues().catch((error) => { refused = error.message; }), 1);
	return null;
};`)
	_, err := loaded.Host.Run(newJob(t, `{}`), "late")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		result, err := loaded.Host.Run(newJob(t, `{"ask":true}`), "late")
		require.NoError(t, err)
		return string(result) != `"nothing yet"`
	}, 5*time.Second, 5*time.Millisecond)
	result, err := loaded.Host.Run(newJob(t, `{"ask":true}`), "late")
	require.NoError(t, err)
	require.Contains(t, string(result), "over")
}

func TestFilesThatAreImportedLaterAreTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	helper := writeFile(t, dir, "helper.py", "ANSWER = 42\n")
	path := writeFile(t, dir, "late.py", `
from jobrunner import handler

@handler()
def late(job):
    import helper
    return helper.ANSWER
`)
	told := make(chan []string, 1)
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path, Imported: func(files []string) { told <- files }})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	require.NotContains(t, loaded.Dependencies, helper)
	_, err = loaded.Host.Run(newJob(t, `{}`), "late")
	require.NoError(t, err)
	require.Equal(t, []string{helper}, <-told)
}
