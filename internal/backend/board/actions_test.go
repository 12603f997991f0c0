package board_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func TestJobsAreAddedAndChanged(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	q := b.queue(t, "mail")
	status, v := b.call(t, "POST", "queues/mail/add", `{"name":"send","data":{"a":1},"options":{"delay":3600000,"jobId":"one"}}`)
	require.Equal(t, 200, status)
	require.Equal(t, "delayed", v["status"])
	require.Equal(t, "one", v["job"].(map[string]any)["id"])

	status, _ = b.call(t, "PATCH", "queues/mail/one/update-data", `{"jobData":[2]}`)
	require.Equal(t, 200, status)
	runAt := time.Now().Add(2 * time.Hour).UnixMilli()
	status, _ = b.call(t, "PATCH", "queues/mail/one/delay", fmt.Sprintf(`{"runAt":%d}`, runAt))
	require.Equal(t, 200, status)
	job, err := q.Job(t.Context(), "one")
	require.NoError(t, err)
	require.JSONEq(t, `[2]`, string(job.Data))
	require.Greater(t, job.Delay, 100*time.Minute)

	status, _ = b.call(t, "PUT", "queues/mail/one/promote", "")
	require.Equal(t, 204, status)
	status, v = b.call(t, "PUT", "queues/mail/one/promote", "")
	require.Equal(t, 400, status)
	require.Equal(t, "ERRORS.JOB_NOT_DELAYED", errorKeyOf(v))
	status, _ = b.call(t, "PATCH", "queues/mail/one/priority", `{"priority":5}`)
	require.Equal(t, 200, status)
	state, err := job.State(t.Context())
	require.NoError(t, err)
	require.Equal(t, bullmq.StatePrioritized, state)
	status, _ = b.call(t, "PUT", "queues/mail/one/clean", "")
	require.Equal(t, 204, status)
	_, err = q.Job(t.Context(), "one")
	require.ErrorIs(t, err, bullmq.ErrJobNotFound)

	b.audit.mu.Lock()
	defer b.audit.mu.Unlock()
	require.Equal(t, "Ada", b.audit.entries[0].ActorName)
	require.Equal(t, "POST queues/mail/add", b.audit.entries[0].Target)
	require.Len(t, b.audit.entries, 6)
}

func TestFailedJobsAreRetriedOneOrAll(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	q := b.queue(t, "mail")
	bulk := make([]bullmq.BulkJob, 700)
	_, err := q.AddBulk(t.Context(), bulk)
	require.NoError(t, err)
	b.finish(t, q, func(context.Context, *bullmq.Job) (any, error) { return nil, errors.New("no route") })

	status, _ := b.call(t, "PUT", "queues/mail/1/retry", "")
	require.Equal(t, 204, status)
	status, v := b.call(t, "PUT", "queues/mail/1/retry", "")
	require.Equal(t, 400, status)
	require.Equal(t, "ERRORS.JOB_NOT_RETRIABLE", errorKeyOf(v))
	status, v = b.call(t, "PUT", "queues/mail/retry/failed", "")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"retried":699,"skipped":0}`, marshal(t, v))
	counts, err := q.Counts(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(700), counts[bullmq.StateWaiting])

	status, _ = b.call(t, "PUT", "queues/mail/empty", "")
	require.Equal(t, 200, status)
	counts, err = q.Counts(t.Context())
	require.NoError(t, err)
	require.Zero(t, counts.Total())
	status, v = b.call(t, "PUT", "queues/mail/retry/active", "")
	require.Equal(t, 400, status)
	require.Equal(t, "ERRORS.STATUS_NOT_RETRIABLE", errorKeyOf(v))
}

func TestDelayedJobsArePromotedAndOldOnesCleaned(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	q := b.queue(t, "mail")
	for range 3 {
		_, err := q.Add(t.Context(), "late", nil, &bullmq.JobOptions{Delay: time.Hour})
		require.NoError(t, err)
	}
	old := time.Now().Add(-time.Hour)
	_, err := q.Add(t.Context(), "old", nil, &bullmq.JobOptions{Delay: 2 * time.Hour, Timestamp: old, ID: "old"})
	require.NoError(t, err)
	status, _ := b.call(t, "PUT", "queues/mail/clean/delayed", "")
	require.Equal(t, 200, status)
	counts, err := q.Counts(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(3), counts[bullmq.StateDelayed], "jobs of the last seconds are spared")
	status, _ = b.call(t, "PUT", "queues/mail/promote", "")
	require.Equal(t, 200, status)
	counts, err = q.Counts(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(3), counts[bullmq.StateWaiting])
}

func TestQueuesArePausedOneOrAll(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	mail, video := b.queue(t, "mail"), b.queue(t, "video")
	paused := func(q *bullmq.Queue) bool {
		p, err := q.IsPaused(t.Context())
		require.NoError(t, err)
		return p
	}
	status, _ := b.call(t, "PUT", "queues/mail/pause", "")
	require.Equal(t, 200, status)
	require.True(t, paused(mail))
	status, _ = b.call(t, "PUT", "queues/mail/resume", "")
	require.Equal(t, 200, status)
	require.False(t, paused(mail))

	require.Equal(t, 200, b.do(t, "mail", "PUT", "/api/queues/pause", "").StatusCode)
	require.True(t, paused(mail))
	require.False(t, paused(video), "a queue that may not be seen is left alone")
	status, _ = b.call(t, "PUT", "queues/resume", "")
	require.Equal(t, 200, status)
	require.False(t, paused(mail))
}

func TestRefusalsHaveThePagesOwnKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	b.queue(t, "mail")
	q := b.queue(t, "video")
	_, err := q.Add(t.Context(), "x", nil, &bullmq.JobOptions{ID: "j"})
	require.NoError(t, err)
	tests := []struct {
		key, method, path, body string
		status                  int
		want                    string
	}{
		{"", "GET", "queues", "", 401, "ERRORS.FORBIDDEN"},
		{"none", "GET", "queues", "", 403, "ERRORS.FORBIDDEN"},
		{"viewer", "PUT", "queues/video/pause", "", 403, "ERRORS.FORBIDDEN"},
		{"viewer", "PUT", "queues/video/j/clean", "", 403, "ERRORS.FORBIDDEN"},
		{"mail", "GET", "queues/video/j", "", 404, "ERRORS.QUEUE_NOT_FOUND"},
		{"admin", "GET", "queues/none/j", "", 404, "ERRORS.QUEUE_NOT_FOUND"},
		{"admin", "GET", "queues/video/none", "", 404, "ERRORS.JOB_NOT_FOUND"},
		{"admin", "GET", "queues?page=0", "", 400, "ERRORS.INVALID_QUERY_PARAM"},
		{"admin", "GET", "queues?jobsPerPage=301", "", 400, "ERRORS.INVALID_QUERY_PARAM"},
		{"admin", "GET", "queues?status=lost", "", 400, "ERRORS.INVALID_QUERY_PARAM"},
		{"admin", "PATCH", "queues/video/j/priority", `{"priority":-1}`, 400, "ERRORS.INVALID_PRIORITY"},
		{"admin", "PATCH", "queues/video/j/priority", `{"priority":1.5}`, 400, "ERRORS.INVALID_PRIORITY"},
		{"admin", "PATCH", "queues/video/j/delay", `{}`, 400, "ERRORS.INVALID_RUN_AT"},
		{"admin", "PATCH", "queues/video/j/delay", `{"runAt":1}`, 400, "ERRORS.JOB_NOT_DELAYED"},
		{"admin", "POST", "queues/video/add", `{"options":{"priority":-1}}`, 400, "ERRORS.INVALID_REQUEST_BODY"},
		{"admin", "POST", "queues/video/add", `{`, 400, "ERRORS.INVALID_REQUEST_BODY"},
		{"admin", "POST", "queues/video/add", `"` + strings.Repeat("x", 20_000) + `"`, 413, "ERRORS.INVALID_REQUEST_BODY"},
		{"mail", "POST", "queues/mail/add", fmt.Sprintf(`{"options":{"parent":{"id":"j","queue":"%s:video"}}}`, b.prefix), 404, "ERRORS.QUEUE_NOT_FOUND"},
		{"admin", "PUT", "queues/video/obliterate", "", 405, "ERRORS.FORBIDDEN"},
		{"admin", "PUT", "queues/video/rate-limit", `{"max":1}`, 405, "ERRORS.RATE_LIMIT_NOT_SUPPORTED"},
		{"admin", "PUT", "queues/video/job-schedulers/s/run", "", 405, "ERRORS.JOB_SCHEDULER_RUN_NOT_SUPPORTED"},
		{"admin", "PATCH", "queues/video/job-schedulers/s", "", 405, "ERRORS.JOB_SCHEDULER_EDIT_NOT_SUPPORTED"},
		{"admin", "DELETE", "queues/video/j", "", 405, "ERRORS.FORBIDDEN"},
		{"admin", "GET", "nothing/here", "", 404, "ERRORS.INTERNAL_SERVER_ERROR"},
	}
	for _, tt := range tests {
		status, v := decode(t, b.do(t, tt.key, tt.method, "/api/"+tt.path, tt.body))
		require.Equal(t, tt.status, status, "%+v: %v", tt, v)
		require.Equal(t, tt.want, errorKeyOf(v), "%+v", tt)
	}
}

func TestViewersGetReadOnlyQueues(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	b.queue(t, "mail")
	b.queue(t, "video")
	_, v := decode(t, b.do(t, "viewer", http.MethodGet, "/api/queues", ""))
	for _, q := range v["queues"].([]any) {
		require.Equal(t, true, q.(map[string]any)["readOnlyMode"])
		require.Equal(t, false, q.(map[string]any)["allowRetries"])
	}
	_, v = decode(t, b.do(t, "mail", http.MethodGet, "/api/queues", ""))
	require.Len(t, v["queues"], 1)
}

func TestPartsThatTheEngineHasNotAreAbsent(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	b.queue(t, "mail")
	for path, want := range map[string]string{
		"queues/mail/metrics":             `{"completed":null,"failed":null}`,
		"queues/mail/rate-limit":          `{"supported":false,"rateLimit":null}`,
		"queues/mail/default-job-options": `{}`,
		"queues/mail/job-data-schema":     `{}`,
	} {
		status, v := b.call(t, "GET", path, "")
		require.Equal(t, 200, status)
		require.JSONEq(t, want, marshal(t, v))
	}
}
