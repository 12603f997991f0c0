package backend_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
)

func TestBadInputIsRefusedByTheNameOfItsField(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		job := func(opts string) string { return `{"name":"x","opts":` + opts + `}` }
		for name, tt := range map[string]struct {
			path, body string
			status     int
			code       string
			location   string
		}{
			"unknown queue":            {"/queues/none/jobs", job("{}"), 404, "queue_not_found", "path.queue"},
			"malformed JSON":           {"/queues/q/jobs", `{"name":`, 400, "malformed_json", "body"},
			"two documents":            {"/queues/q/jobs", job("{}") + "{}", 400, "malformed_json", "body"},
			"no body":                  {"/queues/q/jobs", ``, 400, "malformed_json", "body"},
			"an array":                 {"/queues/q/jobs", `[]`, 422, "validation_failed", "body"},
			"no name":                  {"/queues/q/jobs", `{}`, 422, "validation_failed", "body"},
			"an empty name":            {"/queues/q/jobs", `{"name":""}`, 422, "validation_failed", "body.name"},
			"unknown member":           {"/queues/q/jobs", `{"name":"x","dat":1}`, 422, "validation_failed", "body.dat"},
			"unknown option":           {"/queues/q/jobs", job(`{"prioriy":1}`), 422, "validation_failed", "body.opts.prioriy"},
			"priority too high":        {"/queues/q/jobs", job(`{"priority":2097152}`), 422, "validation_failed", "body.opts.priority"},
			"priority below zero":      {"/queues/q/jobs", job(`{"priority":-1}`), 422, "validation_failed", "body.opts.priority"},
			"priority with a fraction": {"/queues/q/jobs", job(`{"priority":1.5}`), 422, "validation_failed", "body.opts.priority"},
			"priority as text":         {"/queues/q/jobs", job(`{"priority":"1"}`), 422, "validation_failed", "body.opts.priority"},
			"delay below zero":         {"/queues/q/jobs", job(`{"delay":-1}`), 422, "validation_failed", "body.opts.delay"},
			"a number as id":           {"/queues/q/jobs", job(`{"jobId":"12"}`), 422, "validation_failed", "body.opts.jobId"},
			"jitter":                   {"/queues/q/jobs", job(`{"backoff":{"type":"fixed","jitter":2}}`), 422, "validation_failed", "body.opts.backoff"},
			"data over its own limit":  {"/queues/q/jobs", `{"name":"x","data":"12345","opts":{"sizeLimit":3}}`, 422, "validation_failed", "body.opts.sizeLimit"},
			"two failure policies":     {"/queues/q/jobs", job(`{"failParentOnFailure":true,"ignoreDependencyOnFailure":true}`), 422, "validation_failed", "body.opts.failParentOnFailure"},
			"queue with a colon":       {"/queues", `{"name":"a:b"}`, 422, "validation_failed", "body.name"},
			"bad cron":                 {"/queues/q/schedules", `{"id":"s","cron":"61 * * * *","template":{"name":"x"}}`, 422, "validation_failed", "body.cron"},
			"cron of seven fields":     {"/queues/q/schedules", `{"id":"s","cron":"* * * * * * *","template":{"name":"x"}}`, 422, "validation_failed", "body.cron"},
			"cron and every":           {"/queues/q/schedules", `{"id":"s","cron":"* * * * *","every":5,"template":{"name":"x"}}`, 422, "validation_failed", "body.cron"},
			"neither":                  {"/queues/q/schedules", `{"id":"s","template":{"name":"x"}}`, 422, "validation_failed", "body.cron"},
			"unknown zone":             {"/queues/q/schedules", `{"id":"s","cron":"* * * * *","tz":"Mars/X","template":{"name":"x"}}`, 422, "validation_failed", "body.tz"},
			"end before now":           {"/queues/q/schedules", `{"id":"s","cron":"* * * * *","endAt":5,"template":{"name":"x"}}`, 422, "validation_failed", "body.endAt"},
			"schedule id":              {"/queues/q/schedules", `{"id":"a:b","every":5,"template":{"name":"x"}}`, 422, "validation_failed", "body.id"},
			"template priority":        {"/queues/q/schedules", `{"id":"s","every":5,"template":{"name":"x","opts":{"priority":-2}}}`, 422, "validation_failed", "body.template.opts.priority"},
			"template delay":           {"/queues/q/schedules", `{"id":"s","every":5,"template":{"name":"x","opts":{"delay":2}}}`, 422, "validation_failed", "body.template.opts"},
			"schedule of no queue":     {"/queues/none/schedules", `{"id":"s","every":5,"template":{"name":"x"}}`, 404, "queue_not_found", "path.queue"},
			"bad cron in preview":      {"/schedules/preview", `{"cron":"a b c d e"}`, 422, "validation_failed", "body.cron"},
			"too many previews":        {"/schedules/preview", `{"every":1000,"count":101}`, 422, "validation_failed", "body.count"},
			"flow without a queue":     {"/flows", `{"name":"f","definition":{"name":"x"}}`, 422, "validation_failed", "body.definition"},
			"bad child":                {"/flows", `{"name":"f","definition":{"name":"x","queue":"q","children":[{"name":"","queue":"q"}]}}`, 422, "validation_failed", "body.definition.children[0].name"},
			"id in a flow":             {"/flows", `{"name":"f","definition":{"name":"x","queue":"q","children":[{"name":"y","queue":"q","opts":{"jobId":"z"}}]}}`, 422, "validation_failed", "body.definition.children[0].opts.jobId"},
			"unknown run":              {"/flows/none/runs", `{}`, 404, "flow_not_found", "path.id"},
		} {
			t.Run(name, func(t *testing.T) {
				e.call(t, "POST", tt.path, tt.body).refused(t, tt.status, tt.code, tt.location)
			})
		}
		e.call(t, "GET", "/queues/q/jobs?state=sleeping", nil).refused(t, 422, "validation_failed", "query.state")
		e.call(t, "GET", "/queues/q/jobs?limit=0", nil).refused(t, 422, "validation_failed", "query.limit")
		e.call(t, "POST", "/queues/q/jobs", job("{}"), header("Content-Type", "text/plain")).refused(t, 415, "unsupported_media_type")
		e.call(t, "GET", "/nowhere", nil).refused(t, 404, "route_not_found")
		a := e.call(t, "PUT", "/queues", "{}")
		a.refused(t, 405, "method_not_allowed")
		require.Equal(t, []string{"GET", "POST"}, a.header.Values("Allow"))
	})
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		frame := `{"name":"x","data":""}`
		full := func(size int) string {
			return fmt.Sprintf(`{"name":"x","data":"%s"}`, strings.Repeat("a", size-len(frame)))
		}
		var j api.Job
		e.call(t, "POST", "/queues/q/jobs", full(5<<20)).ok(t, 201, &j)
		require.Len(t, j.Data, 5<<20-len(frame)+2)
		e.call(t, "POST", "/queues/q/jobs", full(5<<20+1)).refused(t, 413, "body_too_large", "body")
	})
}

func TestSecretsAreNotEchoed(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		a := e.call(t, "POST", "/auth/register", map[string]string{"setupToken": "tok", "email": "a@b.c", "password": "hunter2"})
		p := a.refused(t, 422, "validation_failed", "body.password")
		require.NotContains(t, string(a.body), "hunter2")
		require.Nil(t, p.Errors[0].Value)
	})
}

func TestAChangeIsWrittenToTheAuditLog(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.call(t, "POST", "/queues", map[string]string{"name": "q"}, header("X-Request-Id", "req-1")).ok(t, 201, nil)
		e.call(t, "POST", "/queues", map[string]string{"name": "a:b"}).refused(t, 422, "validation_failed")
		eventually(t, "the entry is there", func() bool {
			entries, err := e.db.Audit(context.Background(), 10)
			require.NoError(t, err)
			return len(entries) > 0 && entries[0].Action == "createQueue"
		})
		entries, err := e.db.Audit(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, entries, 2, "the sign-in and the queue")
		require.Equal(t, "req-1", entries[0].RequestID)
		require.Equal(t, "user", entries[0].ActorKind)
		require.Equal(t, adminEmail, entries[0].ActorName)
		require.Equal(t, "/api/v1/queues", entries[0].Target)
		require.Equal(t, "127.0.0.1", entries[0].Address)
		require.WithinDuration(t, time.Now(), time.UnixMilli(entries[0].At), time.Minute)
	})
}
