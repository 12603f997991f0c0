package worker_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
)

// png is an image of one pixel.
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// TestHandlersOfTheOlderShape runs copies of them that lie apart from npm bullmq.
func TestHandlersOfTheOlderShape(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(realDir(t), "older")
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "older"))))
	b := start(t, nil, func(o *worker.Options) {
		o.HandlerDirs = []string{filepath.Join(dir, "handlers")}
		o.PluginDirs, o.UninstalledPlugins = []string{filepath.Join(dir, "plugins")}, true
	})
	b.loaded()
	for name, test := range map[string]func(t *testing.T, b *bench){
		"run unchanged": runUnchanged, "errors mean what they did to BullMQ": errorsMeanTheSame,
		"an import goes on where it was cut off": importGoesOn, "an order is put back between its steps": orderIsPutBack,
		"a notification is tried again": notificationIsRetried, "a report collects its children": reportCollects,
		"the package is asked for where it is needed": packageIsAskedFor,
	} {
		t.Run(name, func(t *testing.T) { //nolint:paralleltest // they share a worker
			own := *b
			own.t = t
			test(t, &own)
		})
	}
}

// TestHandlersThatUseNPMBullMQ runs some of them with the package installed.
func TestHandlersThatUseNPMBullMQ(t *testing.T) {
	t.Parallel()
	dir := realDir(t)
	modules, err := filepath.Abs(filepath.Join("..", "..", "node_modules"))
	require.NoError(t, err)
	require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	for _, name := range []string{"assemble.js", "region-sales.js", "sms-send.js"} {
		text, err := os.ReadFile(filepath.Join("testdata", "older", "handlers", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	b := start(t, nil, func(o *worker.Options) { o.HandlerDirs = []string{dir} })
	b.loaded()

	data, err := json.Marshal(map[string]any{"redis": testenv.RedisURL(t), "parts": []string{"left", "right"}})
	require.NoError(t, err)
	done := b.wait(b.add("assemble", string(data), nil), bullmq.StateCompleted)
	require.JSONEq(t, `{"parts":["left","right"],"counts":{"processed":2,"unprocessed":0,"ignored":0,"failed":0}}`, string(done.ReturnValue))
	require.Equal(t, 1, done.AttemptsMade)

	failed := b.wait(b.add("sms-send", `{"number":"0001","text":""}`, &bullmq.JobOptions{Attempts: 2}), bullmq.StateFailed)
	require.Equal(t, "nobody has the number 0001", failed.FailedReason)
	require.Equal(t, 1, failed.AttemptsMade)
}

func packageIsAskedFor(t *testing.T, b *bench) {
	t.Helper()
	job := b.wait(b.add("assemble", `{"redis":"redis://127.0.0.1:1","parts":[]}`, nil), bullmq.StateFailed)
	require.Contains(t, job.FailedReason, "Queue needs npm bullmq")
}

// loaded waits until the handlers are in service, which takes its time where a
// bundle has all of npm bullmq in it.
func (b *bench) loaded() {
	b.t.Helper()
	select {
	case <-b.super.Ready():
	case <-time.After(2 * time.Minute):
		require.FailNow(b.t, "the worker's handlers were not loaded in time")
	}
}

func runUnchanged(t *testing.T, b *bench) {
	t.Helper()
	tests := map[string]struct{ handler, data, want string }{
		"schema, progress and a method of its own": {
			"email-render", `{"template":"welcome","to":"ada@example.com","variables":{"name":"<Ada>","account":7}}`,
			`{"to":"ada@example.com","html":"<h1>Welcome, &lt;Ada&gt;!</h1><p>Your account is 7.</p>"}`,
		},
		"an example of the data in place of a schema": {
			"image-metadata", `{"image":"` + png + `"}`,
			`{"format":"png","width":1,"height":1,"bytes":70,"sha1":"4a5eb7171b58e08a6881721e3b43d5a44419a2be"}`,
		},
		"an instance of a class, in CommonJS": {
			"invoice", `{"taxPercent":19,"lines":[{"price":9.99,"quantity":3},{"price":0.1}]}`,
			`{"number":"INV-","net":30.07,"tax":5.71,"total":35.78}`,
		},
		"files of its own":    {"log-archive", `{"lines":["a","b"]}`, `{"lines":2,"smaller":false}`},
		"a processor":         {"slow-export", `{"parts":2,"pause":5}`, `{"parts":2,"state":"active"}`},
		"a plugin's handler":  {"slugify", `{"title":"Ça va, Zoë?"}`, `"ca-va-zoe"`},
		"another of a plugin": {"excerpt", `{"text":"The quick brown fox","length":12}`, `"The quick…"`},
	}
	for name, tt := range tests {
		done := b.wait(b.add(tt.handler, tt.data, nil), bullmq.StateCompleted)
		result := string(done.ReturnValue)
		if tt.handler == "invoice" { // the number comes from the job's id
			require.Regexp(t, `"INV-[0-9a-f]{8}"`, result, name)
			result = result[:len(`{"number":"INV-`)] + result[len(`{"number":"INV-`)+8:]
		}
		require.JSONEq(t, tt.want, result, name)
	}
	require.Equal(t, "2.1.0", b.handler("email-render", inService).Version[:5])
	require.Equal(t, "Text team", b.handler("slugify", inService).Author)
	archived := b.wait(b.add("log-archive", `{"lines":["a"]}`, nil), bullmq.StateCompleted)
	require.Equal(t, []string{"packed 1 lines"}, b.logs(archived))
	require.JSONEq(t, `100`, string(b.wait(b.add("slow-export", `{"parts":1,"pause":0}`, nil), bullmq.StateCompleted).Progress))
}

func errorsMeanTheSame(t *testing.T, b *bench) {
	t.Helper()
	tests := map[string]struct {
		handler, data, reason string
		attempts              int
	}{
		"unrecoverable":                {"email-render", `{"template":"reset","to":"nobody","variables":{}}`, "not an address: nobody", 1},
		"a class that extends it":      {"sms-send", `{"number":"0001","text":""}`, "nobody has the number 0001", 1},
		"discarded":                    {"sms-send", `{"number":"1001","text":""}`, "the carrier has barred this number", 1},
		"ordinary":                     {"email-render", `{"template":"gone","to":"a@b","variables":{}}`, "unknown template: gone", 2},
		"data against the schema":      {"excerpt", `{"text":"x","length":0}`, "the job's data does not meet the schema", 1},
		"data against the example's":   {"image-metadata", `{"image":"AAAA","type":5}`, "not a PNG or GIF image", 2},
		"thrown where it was expected": {"region-sales", `{"region":"north"}`, "no figures for north", 2},
	}
	for name, tt := range tests {
		job := b.wait(b.add(tt.handler, tt.data, &bullmq.JobOptions{Attempts: 2}), bullmq.StateFailed)
		require.Contains(t, job.FailedReason, tt.reason, name)
		require.Equal(t, tt.attempts, job.AttemptsMade, name)
	}
}

func importGoesOn(t *testing.T, b *bench) {
	t.Helper()
	data := `{"csv":"id,name\n1,a\n2,b\n3,c\n4,d\n5,e","breakAt":4}`
	job := b.wait(b.add("csv-import", data, &bullmq.JobOptions{Attempts: 2}), bullmq.StateCompleted)
	require.JSONEq(t, `{"rows":5,"first":{"id":"1","name":"a"},"attempts":2}`, string(job.ReturnValue))
	require.JSONEq(t, `{"done":5,"total":5}`, string(job.Progress))
	require.Equal(t, []string{"imported 2 of 5 rows", "imported 4 of 5 rows", "imported 5 of 5 rows"}, b.logs(job))
}

func orderIsPutBack(t *testing.T, b *bench) {
	t.Helper()
	job := b.wait(b.add("order-steps", `{"order":12,"pause":50}`, nil), bullmq.StateCompleted)
	require.JSONEq(t, `{"order":12,"attemptsMade":0,"started":2}`, string(job.ReturnValue))
	require.Equal(t, []string{"reserved", "charged", "shipped"}, b.logs(job))
	require.GreaterOrEqual(t, job.FinishedOn.Sub(job.Timestamp), 50*time.Millisecond)
}

func notificationIsRetried(t *testing.T, b *bench) {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(w, "%s on attempt %s", body, r.Header.Get("X-Attempt"))
	}))
	t.Cleanup(server.Close)
	data, err := json.Marshal(map[string]any{"url": server.URL + "/hook", "event": map[string]string{"type": "paid"}})
	require.NoError(t, err)
	job := b.wait(b.add("webhook-notify", string(data), &bullmq.JobOptions{Attempts: 2}), bullmq.StateCompleted)
	require.JSONEq(t, `{"status":200,"reply":"{\"type\":\"paid\"} on attempt 2","last":true}`, string(job.ReturnValue))
	require.Contains(t, job.Stacktrace[0], "Error: 503 from /hook")
	require.Contains(t, job.Stacktrace[0], "webhook-notify.js:")
}

func reportCollects(t *testing.T, b *bench) {
	t.Helper()
	region := func(name string, sales ...int) bullmq.FlowJob {
		return bullmq.FlowJob{
			Name: "region-sales", Queue: "q", Data: map[string]any{"region": name, "sales": sales},
			Opts: &bullmq.JobOptions{IgnoreDependencyOnFailure: true},
		}
	}
	missing := region("west")
	missing.Data = map[string]any{"region": "west"}
	flow, err := bullmq.NewFlowProducer(b.backend, &bullmq.FlowOptions{Prefix: b.prefix}).Add(t.Context(), bullmq.FlowJob{
		Name: "sales-report", Queue: "q", Data: map[string]any{"year": 2026},
		Children: []bullmq.FlowJob{region("north", 1, 2), region("south", 40), missing},
	})
	require.NoError(t, err)
	job := b.wait(flow.Job, bullmq.StateCompleted)
	require.JSONEq(t, `{"year":2026,"total":43,"best":"south","missing":["no figures for west"]}`, string(job.ReturnValue))
	require.Equal(t, []string{"2 regions, 1 without figures"}, b.logs(job))
}
