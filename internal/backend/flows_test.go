package backend_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
)

const videoFlow = `{
	"name": "video",
	"parameters": [{"name": "file"}, {"name": "sizes", "default": [720, 1080]}],
	"definition": {
		"name": "publish", "queue": "parent", "data": {"title": "Video {{file}}", "other": "{{unknown}}"},
		"children": [
			{"name": "encode", "queue": "child", "data": {"sizes": "{{sizes}}", "id": 12345678901234567890}, "opts": {"attempts": 2}},
			{"name": "thumbnail", "queue": "child", "data": "{{ file }}"}
		]
	}
}`

func TestAFlowIsDefinedRunAndFollowed(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "parent")
		var f api.Flow
		a := e.call(t, "POST", "/flows", videoFlow)
		a.ok(t, 201, &f)
		require.Equal(t, "/api/v1/flows/"+f.ID, a.header.Get("Location"))
		run := "/flows/" + f.ID + "/runs"
		e.call(t, "POST", run, `{"parameters":{"file":"a"}}`).refused(t, 404, "queue_not_found", "definition.children[0].queue")
		e.queue(t, "child")
		e.call(t, "POST", run, nil).refused(t, 422, "validation_failed", "body.parameters.file")
		e.call(t, "POST", run, `{"parameters":{"file":"a","fil":1}}`).refused(t, 422, "validation_failed", "body.parameters.fil")

		var d api.FlowRunDetail
		a = e.call(t, "POST", run, `{"parameters":{"file":"a.mp4"}}`)
		a.ok(t, 201, &d)
		require.Equal(t, "/api/v1/flow-runs/"+d.ID, a.header.Get("Location"))
		require.EqualValues(t, "running", d.State)
		require.Equal(t, "waiting-children", d.Root.State)
		require.Len(t, d.Root.Children, 2)
		require.Equal(t, "waiting", d.Root.Children[0].State)
		require.JSONEq(t, `{"title":"Video a.mp4","other":"{{unknown}}"}`, string(e.job(t, "parent", d.Root.JobID).Data))
		encode := e.job(t, "child", d.Root.Children[0].JobID)
		require.Equal(t, `{"id":12345678901234567890,"sizes":[720,1080]}`, string(encode.Data)) //nolint:testifylint // the number must stay as it is
		require.Equal(t, 2, encode.Opts.Attempts)
		require.Equal(t, d.Root.JobID, encode.Parent.ID)
		require.JSONEq(t, `"a.mp4"`, string(e.job(t, "child", d.Root.Children[1].JobID).Data))

		for _, q := range []string{"parent", "child"} {
			e.work(t, q, func(_ context.Context, job *bullmq.Job) (any, error) { return job.Name, nil })
		}
		eventually(t, "the run completes", func() bool {
			e.call(t, "GET", "/flow-runs/"+d.ID, nil).ok(t, 200, &d)
			return d.State == "completed"
		})
		require.JSONEq(t, `"encode"`, string(d.Root.Children[0].ReturnValue))
		require.JSONEq(t, `"publish"`, string(d.Root.ReturnValue))

		var runs api.Page[api.FlowRun]
		e.call(t, "GET", run, nil).ok(t, 200, &runs)
		require.Len(t, runs.Items, 1)
		require.EqualValues(t, "completed", runs.Items[0].State)
		require.JSONEq(t, `"a.mp4"`, string(runs.Items[0].Parameters["file"]))

		e.call(t, "DELETE", "/queues/parent/jobs/"+d.Root.JobID, nil).ok(t, 204, nil)
		e.call(t, "GET", "/flow-runs/"+d.ID, nil).ok(t, 200, &d)
		require.EqualValues(t, "unknown", d.State)
	})
}

func TestAFlowIsChangedAndDeletedWithItsRuns(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		body := func(name string) string {
			return `{"name":"` + name + `","definition":{"name":"x","queue":"q"}}`
		}
		var f api.Flow
		e.call(t, "POST", "/flows", body("a")).ok(t, 201, &f)
		e.call(t, "PUT", "/flows/"+f.ID, body("b")).ok(t, 200, &f)
		var list api.Page[api.Flow]
		e.call(t, "GET", "/flows", nil).ok(t, 200, &list)
		require.Len(t, list.Items, 1)
		require.Equal(t, "b", list.Items[0].Name)
		require.Empty(t, list.Items[0].Parameters)
		var d api.FlowRunDetail
		e.call(t, "POST", "/flows/"+f.ID+"/runs", nil).ok(t, 201, &d)

		key := e.key(t, []string{"flows:*"}, "other")
		key.call(t, "GET", "/flows", nil).ok(t, 200, &list)
		require.Empty(t, list.Items)
		key.call(t, "GET", "/flows/"+f.ID, nil).refused(t, 404, "flow_not_found")
		key.call(t, "GET", "/flow-runs/"+d.ID, nil).refused(t, 404, "flow_run_not_found")
		key.call(t, "POST", "/flows", body("c")).refused(t, 403, "queue_forbidden", "body.definition.queue")

		e.call(t, "DELETE", "/flows/"+f.ID, nil).ok(t, 204, nil)
		e.call(t, "GET", "/flows/"+f.ID, nil).refused(t, 404, "flow_not_found", "path.id")
		e.call(t, "GET", "/flow-runs/"+d.ID, nil).refused(t, 404, "flow_run_not_found", "path.run")
		double := `{"name":"f","definition":{"name":"x","queue":"q"},"parameters":[{"name":"a"},{"name":"a"}]}`
		e.call(t, "POST", "/flows", double).refused(t, 422, "validation_failed", "body.parameters[1].name")
	})
}

func TestARepeatedRequestMakesNothingNew(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		e.queue(t, "other")
		body := `{"name":"x","data":{"a":1},"opts":{"attempts":3}}`
		once := header("Idempotency-Key", "k 1")
		var first, second api.Job
		e.call(t, "POST", "/queues/q/jobs", body, once).ok(t, 201, &first)
		a := e.call(t, "POST", "/queues/q/jobs", body, once).ok(t, 200, &second)
		require.Equal(t, first.ID, second.ID)
		require.Equal(t, "/api/v1/queues/q/jobs/"+first.ID, a.header.Get("Location"))
		e.call(t, "POST", "/queues/q/jobs", `{"name":"y"}`, once).refused(t, 422, "idempotency_key_reused", "header.Idempotency-Key")
		e.call(t, "POST", "/queues/other/jobs", body, once).ok(t, 201, nil)
		e.key(t, []string{"jobs:write"}).call(t, "POST", "/queues/q/jobs", body, once).ok(t, 201, nil)

		e.call(t, "DELETE", "/queues/q/jobs/"+first.ID, nil).ok(t, 204, nil)
		e.call(t, "POST", "/queues/q/jobs", body, once).ok(t, 200, &second)
		require.Equal(t, first, second, "described as it was made")

		bulk := `{"jobs":[{"name":"a"},{"name":"b","opts":{"delay":60000}}]}`
		var b1, b2 api.BulkResults
		e.call(t, "POST", "/queues/q/jobs/bulk", bulk, once).ok(t, 201, &b1)
		e.call(t, "POST", "/queues/q/jobs/bulk", bulk, once).ok(t, 200, &b2)
		require.Equal(t, b1, b2)

		var f api.Flow
		e.call(t, "POST", "/flows", `{"name":"f","definition":{"name":"x","queue":"q"}}`).ok(t, 201, &f)
		var r1, r2 api.FlowRunDetail
		e.call(t, "POST", "/flows/"+f.ID+"/runs", "{}", once).ok(t, 201, &r1)
		e.call(t, "POST", "/flows/"+f.ID+"/runs", "{}", once).ok(t, 200, &r2)
		require.Equal(t, r1.ID, r2.ID)
	})
}

func TestARefusedRequestFreesItsKey(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		once := header("Idempotency-Key", "k")
		e.call(t, "POST", "/queues/q/jobs", `{"name":"x"}`, once).refused(t, 404, "queue_not_found")
		e.queue(t, "q")
		e.call(t, "POST", "/queues/q/jobs", `{"name":"x"}`, once).ok(t, 201, nil)
	})
}

func TestOfManyRepetitionsOneMakesTheJob(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		answers := make(chan answer)
		const n = 8
		for range n {
			go func() {
				a, err := e.try(context.Background(), "POST", "/queues/q/jobs", `{"name":"x"}`, header("Idempotency-Key", "k"))
				if err != nil {
					a.body = []byte(err.Error())
				}
				answers <- a
			}()
		}
		made := 0
		for range n {
			a := <-answers
			require.Contains(t, []int{200, 201, 409}, a.status, "%s", a.body)
			if a.status == 201 {
				made++
			}
			if a.status == 409 {
				a.refused(t, 409, "idempotency_key_in_use")
			}
		}
		require.Equal(t, 1, made)
		var page api.Page[json.RawMessage]
		e.call(t, "GET", "/queues/q/jobs", nil).ok(t, 200, &page)
		require.EqualValues(t, 1, *page.Total)
	})
}
