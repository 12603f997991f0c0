package backend_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// publish puts a worker into the catalogue until the test ends.
func (e *env) publish(t *testing.T, w catalogue.Worker) {
	t.Helper()
	p := catalogue.NewPublisher(e.redis.Client(), e.prefix, func() catalogue.Worker { return w }, nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	eventually(t, "the worker is listed", func() bool {
		var workers api.Workers
		e.call(t, "GET", "/workers", nil).ok(t, 200, &workers)
		return slices.ContainsFunc(workers.Items, func(listed api.Worker) bool { return listed.ID == w.ID })
	})
}

var mailer = catalogue.Worker{
	ID: "w", Host: "box", PID: 7, StartedAt: time.UnixMilli(1000),
	Queues: []catalogue.Queue{{Name: "mail", Concurrency: 5, Running: 1}},
	Handlers: []catalogue.Handler{{
		Name: "send", Version: "1+a", Kind: catalogue.KindCustom, Source: "send.js", Language: "javascript",
		DataSchema: json.RawMessage(`{"type":"object","required":["to"],"properties":{"to":{"type":"string"},"n":{"type":"array","items":{"type":"integer"}}}}`),
		Defaults:   &catalogue.Defaults{Attempts: 3},
	}, {
		Name: "broken", Kind: catalogue.KindCustom, Source: "broken.js", Language: "javascript",
		Error: &catalogue.LoadError{Message: "no good", Line: 3, At: time.UnixMilli(2000)},
	}},
}

func TestHandlersAndWorkersAreListed(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		var queues api.Page[api.Queue]
		e.call(t, "GET", "/queues", nil).ok(t, 200, &queues)
		require.Empty(t, queues.Items)
		e.publish(t, mailer)
		// A queue is listed with its first worker, not only with its first job.
		e.call(t, "GET", "/queues", nil).ok(t, 200, &queues)
		require.Len(t, queues.Items, 1)
		require.Equal(t, "mail", queues.Items[0].Name)
		var list api.Page[api.Handler]
		e.call(t, "GET", "/handlers", nil).ok(t, 200, &list)
		require.Len(t, list.Items, 2)
		require.Equal(t, "no good", list.Items[0].Error.Message)
		var h api.Handler
		e.call(t, "GET", "/handlers/send", nil).ok(t, 200, &h)
		require.Equal(t, []string{"mail"}, h.Queues)
		require.Equal(t, 1, h.Workers)
		require.JSONEq(t, string(mailer.Handlers[0].DataSchema), string(h.DataSchema))
		require.JSONEq(t, `{"attempts":3}`, string(h.Defaults))
		e.call(t, "GET", "/handlers/none", nil).refused(t, 404, "handler_not_found", "path.name")
		var workers api.Workers
		e.call(t, "GET", "/workers", nil).ok(t, 200, &workers)
		require.Equal(t, []api.WorkerQueue{{Name: "mail", Concurrency: 5, Running: 1}}, workers.Items[0].Queues)
		require.Equal(t, []string{"send", "broken"}, workers.Items[0].Handlers)
	})
}

func TestJobsAreCheckedAgainstTheHandlersOfTheirQueue(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.publish(t, mailer)
		path := "/queues/mail/jobs"
		e.call(t, "POST", path, `{"name":"send","data":{"to":"a"}}`).ok(t, 201, nil)
		e.call(t, "POST", path, `{"name":"send","data":{"to":1,"n":[1,"x"]}}`).refused(t, 400, "invalid_data", "body.data.to", "body.data.n[1]")
		e.call(t, "POST", path, `{"name":"send"}`).refused(t, 400, "invalid_data", "body.data.to")
		e.call(t, "POST", path, `{"name":"sned"}`).refused(t, 422, "handler_not_found", "body.name")
		e.call(t, "POST", path, `{"name":"broken"}`).refused(t, 422, "handler_not_found", "body.name")
		e.call(t, "POST", path+"/bulk", `{"jobs":[{"name":"send","data":{"to":"a"}},{"name":"send","data":{}}]}`).
			refused(t, 400, "invalid_data", "body.jobs[1].data.to")
		e.call(t, "POST", "/queues/mail/schedules", `{"id":"s","every":5,"template":{"name":"sned"}}`).
			refused(t, 422, "handler_not_found", "body.template.name")
		var f api.Flow
		e.call(t, "POST", "/flows", `{"name":"f","definition":{"name":"send","queue":"mail","data":{"to":"{{to}}"}},"parameters":[{"name":"to"}]}`).ok(t, 201, &f)
		e.call(t, "POST", "/flows/"+f.ID+"/runs", `{"parameters":{"to":5}}`).refused(t, 400, "invalid_data", "definition.data.to")

		// Another program's worker may know names that JobRunner's workers don't.
		e.work(t, "mail", func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
		e.work(t, "mail", func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
		eventually(t, "any name is good", func() bool { return e.call(t, "POST", path, `{"name":"sned"}`).status == 201 })
	})
}

func TestTheSystemDescribesItself(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		var s api.System
		e.call(t, "GET", "/system", nil).ok(t, 200, &s)
		require.Equal(t, e.prefix, s.Prefix)
		require.EqualValues(t, e.db.Dialect(), s.SQL.Dialect)
		require.NotEmpty(t, s.SQL.Version)
		require.NotEmpty(t, s.Redis.Version)
		require.Equal(t, "standalone", s.Redis.Mode)
		require.EqualValues(t, 5<<20, s.Limits.BodyBytes)
	})
}
