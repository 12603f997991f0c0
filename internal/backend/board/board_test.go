package board_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/board"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/store"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// people authenticates by X-API-Key: admin, viewer, mail (limited to mail*) or nobody.
type people struct{}

func (people) Authenticate(r *http.Request) (*auth.Principal, error) {
	switch r.Header.Get("X-API-Key") {
	case "admin":
		return &auth.Principal{Kind: auth.KindUser, ID: "1", Name: "Ada", Scopes: auth.RoleAdmin.Scopes()}, nil
	case "viewer":
		return &auth.Principal{Kind: auth.KindUser, ID: "2", Scopes: auth.RoleViewer.Scopes()}, nil
	case "mail":
		return &auth.Principal{Kind: auth.KindAPIKey, ID: "3", Scopes: auth.RoleAdmin.Scopes(), Queues: []string{"mail*"}}, nil
	case "none":
		return &auth.Principal{Kind: auth.KindAPIKey, ID: "4"}, nil
	}
	return nil, problem.New(http.StatusUnauthorized, "unauthenticated", "Sign in.")
}

// directory lists the queues straight from Redis.
type directory struct {
	redis  *bullmq.Redis
	prefix string
}

func (d *directory) Names(ctx context.Context) ([]string, error) {
	names, err := bullmq.Queues(ctx, d.redis, d.prefix)
	slices.Sort(names)
	return names, err
}

func (d *directory) Known(ctx context.Context, name string) (bool, error) {
	names, err := d.Names(ctx)
	return slices.Contains(names, name), err
}

type auditor struct {
	mu      sync.Mutex
	entries []store.AuditEntry // guarded by mu
}

func (a *auditor) Record(_ context.Context, e store.AuditEntry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries = append(a.entries, e)
}

var fixture = fstest.MapFS{
	"index.ejs": {Data: []byte(`<head><base href="<%= basePath %>" /><title><%= title %></title>
<link href="https://fonts.googleapis.com/css2?family=X" rel="stylesheet">
<link href="static/css/main.0123456789.css" rel="stylesheet">
<link rel="icon" href="<%= favIconDefault %>"><link href="<%= favIconAlternative %>"></head>
<script id="__UI_CONFIG__" type="application/json"><%- uiConfig %></script>`)},
	"static/css/main.0123456789.css":           {Data: []byte("body{}")},
	"static/locales/en-US/messages.json":       {Data: []byte("{}")},
	"static/js/main.0123456789.js":             {Data: []byte("1")},
	"static/js/main.0123456789.js.LICENSE.txt": {Data: []byte("MIT")},
}

type bundle struct {
	redis  *bullmq.Redis
	url    string
	prefix string
	audit  *auditor
}

func setup(t *testing.T, files fs.FS) *bundle {
	t.Helper()
	redis, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = redis.Close() })
	b := &bundle{redis: redis, prefix: testenv.Prefix(t), audit: &auditor{}}
	handler, err := board.New(board.Options{
		Redis: redis, Auth: people{}, Directory: &directory{redis, b.prefix}, Audit: b.audit,
		Files: files, Prefix: b.prefix, Cache: -1, BodyLimit: 10_000,
	})
	require.NoError(t, err)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	b.url = srv.URL + board.DefaultPath
	return b
}

func (b *bundle) queue(t *testing.T, name string) *bullmq.Queue {
	t.Helper()
	q, err := bullmq.NewQueue(b.redis, name, &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(t, err)
	require.NoError(t, q.Init(t.Context()))
	return q
}

// finish runs the jobs that wait in a queue until none is left.
func (b *bundle) finish(t *testing.T, q *bullmq.Queue, process bullmq.Processor) {
	t.Helper()
	w, err := bullmq.NewWorker(b.redis, q.Name(), process, &bullmq.WorkerOptions{Prefix: b.prefix, Name: "w1"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	require.Eventually(t, func() bool {
		counts, err := q.Counts(t.Context())
		return err == nil && counts[bullmq.StateWaiting]+counts[bullmq.StateActive] == 0
	}, 15*time.Second, 5*time.Millisecond)
	cancel()
	require.NoError(t, <-done)
}

func (b *bundle) do(t *testing.T, key, method, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-API-Key", key)
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

// call sends a request as admin and returns the status and the decoded answer.
func (b *bundle) call(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	return decode(t, b.do(t, "admin", method, "/api/"+path, body))
}

func decode(t *testing.T, resp *http.Response) (int, map[string]any) {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode == http.StatusNoContent {
		require.Empty(t, text)
		return resp.StatusCode, nil
	}
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	var v map[string]any
	require.NoError(t, json.Unmarshal(text, &v), "%s", text)
	return resp.StatusCode, v
}

func errorKeyOf(v map[string]any) string {
	e, _ := v["error"].(map[string]any)
	key, _ := e["key"].(string)
	return key
}

func TestPageIsFilledInForPeopleWhoHaveSignedIn(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	for _, path := range []string{"", "/", "/queue/mail?status=failed", "/queue/mail/repeat%3As%3A1", "/job-schedulers"} {
		resp := b.do(t, "viewer", http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
		text, _ := io.ReadAll(resp.Body)
		page := string(text)
		require.Contains(t, page, `<base href="/admin/queues/" />`)
		require.Contains(t, page, `<title>JobRunner queues</title>`)
		require.Contains(t, page, `"boardTitle":"JobRunner queues"`)
		require.Contains(t, page, "static/css/main.0123456789.css")
		require.Contains(t, page, `<script defer src="session.js"></script></head>`)
		require.NotContains(t, page, "googleapis")
		require.NotContains(t, page, "<%")
		require.Contains(t, resp.Header.Get("Content-Security-Policy"), "script-src 'self'")
	}
	resp := b.do(t, "", http.MethodGet, "/queue/mail?status=failed", "")
	require.Equal(t, http.StatusSeeOther, resp.StatusCode)
	require.Equal(t, "/login?next=%2Fadmin%2Fqueues%2Fqueue%2Fmail%3Fstatus%3Dfailed", resp.Header.Get("Location"))
	script := b.do(t, "", http.MethodGet, "/session.js", "")
	require.Equal(t, http.StatusOK, script.StatusCode)
	require.Contains(t, script.Header.Get("Content-Type"), "text/javascript")
	require.Equal(t, http.StatusNotFound, b.do(t, "viewer", http.MethodGet, "/nowhere", "").StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, b.do(t, "viewer", http.MethodPost, "/", "").StatusCode)
}

func TestPageThatIsNotBuiltSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, fstest.MapFS{})
	resp := b.do(t, "viewer", http.MethodGet, "/", "")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	text, _ := io.ReadAll(resp.Body)
	require.Contains(t, string(text), "make build")
}

func TestAssetsAreCachedByTheirNames(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	hashed := b.do(t, "", http.MethodGet, "/static/css/main.0123456789.css", "")
	require.Equal(t, http.StatusOK, hashed.StatusCode)
	require.Equal(t, "public, max-age=31536000, immutable", hashed.Header.Get("Cache-Control"))
	require.Contains(t, hashed.Header.Get("Content-Type"), "text/css")
	plain := b.do(t, "", http.MethodGet, "/static/locales/en-US/messages.json?v=1", "")
	require.Equal(t, "public, max-age=3600", plain.Header.Get("Cache-Control"))
	for _, path := range []string{"/static/", "/static/js", "/static/../index.ejs", "/static/%2e%2e/index.ejs", "/static/none.js"} {
		require.Equal(t, http.StatusNotFound, b.do(t, "", http.MethodGet, path, "").StatusCode, path)
	}
}

func TestBuiltInPageHasEveryFileItNames(t *testing.T) {
	t.Parallel()
	files := board.Dist()
	if _, err := fs.Stat(files, "index.ejs"); err != nil {
		files = fixture // the program has not been built; the fixture has the same shape
	}
	b := setup(t, files)
	resp := b.do(t, "viewer", http.MethodGet, "/", "")
	text, _ := io.ReadAll(resp.Body)
	found := 0
	for part := range strings.SplitSeq(string(text), `"`) {
		if strings.HasPrefix(part, "static/") && !strings.HasSuffix(part, ".svg") && !strings.HasSuffix(part, ".png") {
			require.Equal(t, http.StatusOK, b.do(t, "", http.MethodGet, "/"+part, "").StatusCode, part)
			found++
		}
	}
	require.NotZero(t, found)
	require.NotContains(t, string(text), "https://")
}

func TestQueuesAreListedWithTheJobsOfOne(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	mail, video := b.queue(t, "mail"), b.queue(t, "video a/b")
	job, err := mail.Add(t.Context(), "send", map[string]int{"n": 1}, nil)
	require.NoError(t, err)
	for i := range 25 {
		_, err := video.Add(t.Context(), fmt.Sprint("cut", i), nil, nil)
		require.NoError(t, err)
	}
	require.NoError(t, video.Pause(t.Context()))

	status, v := b.call(t, "GET", "queues?activeQueue=mail&status=latest&page=1&jobsPerPage=10", "")
	require.Equal(t, 200, status)
	queues := v["queues"].([]any)
	require.Len(t, queues, 2)
	first := queues[0].(map[string]any)
	require.JSONEq(t, fmt.Sprintf(`[{"id":"1","timestamp":%d,"progress":0,"attempts":0,"delay":0,"stacktrace":[],"opts":{},"data":{"n":1},"name":"send","returnValue":null,"isFailed":false}]`,
		job.Timestamp.UnixMilli()), marshal(t, first["jobs"]))
	delete(first, "jobs")
	require.JSONEq(t, `{"name":"mail","statuses":["latest","active","waiting","waiting-children","prioritized","completed","failed","delayed"],
		"counts":{"active":0,"completed":0,"delayed":0,"failed":0,"prioritized":0,"waiting":1,"waiting-children":0},
		"pagination":{"pageCount":1,"range":{"start":0,"end":9}},"readOnlyMode":false,"allowRetries":true,"allowCompletedRetries":true,
		"isPaused":false,"type":"bullmq","delimiter":"","globalConcurrency":null,"activeRateLimitTtl":0,"supportsGlobalRateLimit":false,
		"jobSchedulerCount":0,"hasWorkers":false}`, marshal(t, first))

	_, v = b.call(t, "GET", "queues?activeQueue=video%2520a%252Fb&status=waiting&page=3&jobsPerPage=10", "")
	second := v["queues"].([]any)[1].(map[string]any)
	require.Equal(t, true, second["isPaused"])
	require.JSONEq(t, `{"pageCount":3,"range":{"start":20,"end":29}}`, marshal(t, second["pagination"]))
	require.Len(t, second["jobs"], 5)
	require.Equal(t, "cut4", second["jobs"].([]any)[0].(map[string]any)["name"], "newest first, so the last page has the oldest")
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestJobPageShowsHowAJobWent(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	q := b.queue(t, "mail")
	ok, err := q.Add(t.Context(), "good", nil, nil)
	require.NoError(t, err)
	bad, err := q.Add(t.Context(), "bad", nil, nil)
	require.NoError(t, err)
	b.finish(t, q, func(ctx context.Context, j *bullmq.Job) (any, error) {
		if j.Name == "bad" {
			return nil, fmt.Errorf("no route")
		}
		return 42, j.Log(ctx, "half way")
	})

	status, v := b.call(t, "GET", "queues/mail/"+ok.ID, "")
	require.Equal(t, 200, status)
	require.Equal(t, "completed", v["status"])
	job := v["job"].(map[string]any)
	require.InEpsilon(t, 42.0, job["returnValue"], 0)
	require.Equal(t, "w1", job["processedBy"])
	_, v = b.call(t, "GET", "queues/mail/"+bad.ID, "")
	require.Equal(t, "no route", v["job"].(map[string]any)["failedReason"])
	require.Equal(t, true, v["job"].(map[string]any)["isFailed"])

	resp := b.do(t, "admin", "GET", "/api/queues/mail/"+ok.ID+"/logs", "")
	text, _ := io.ReadAll(resp.Body)
	require.JSONEq(t, `["half way"]`, string(text))
	resp = b.do(t, "admin", "GET", "/api/queues/mail/gone/logs", "")
	text, _ = io.ReadAll(resp.Body)
	require.JSONEq(t, `[]`, string(text))
}

func TestFlowIsShownFromItsRoot(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	b.queue(t, "mail")
	b.queue(t, "video")
	flow, err := bullmq.NewFlowProducer(b.redis, &bullmq.FlowOptions{Prefix: b.prefix}).Add(t.Context(), bullmq.FlowJob{
		Name: "root", Queue: "mail", Children: []bullmq.FlowJob{
			{Name: "leaf", Queue: "video"}, {Name: "leaf", Queue: "video"},
		},
	})
	require.NoError(t, err)
	leaf := flow.Children[0].Job.ID
	status, v := b.call(t, "GET", "queues/video/"+leaf+"/flow", "")
	require.Equal(t, 200, status)
	require.Equal(t, true, v["isFlowNode"])
	root := v["flowRoot"].(map[string]any)
	require.Equal(t, "waiting-children", root["state"])
	require.Len(t, root["children"], 2)
	require.JSONEq(t, `{"processed":0,"unprocessed":2,"ignored":0,"failed":0}`, marshal(t, root["dependencies"]))

	_, v = b.call(t, "GET", "queues/video/"+leaf+"/flow?root=node", "")
	require.Equal(t, false, v["isFlowNode"])
	_, v = decode(t, b.do(t, "mail", "GET", "/api/queues/mail/"+flow.Job.ID+"/flow", ""))
	require.Nil(t, v["flowRoot"], "children in hidden queues are left out")
}

func TestRedisWorkersAndSchedulersAreShown(t *testing.T) {
	t.Parallel()
	b := setup(t, fixture)
	q := b.queue(t, "mail")
	_, err := q.UpsertJobScheduler(t.Context(), "s1", bullmq.RepeatOptions{Pattern: "0 3 * * *", TZ: "Europe/Berlin"}, bullmq.JobTemplate{Name: "tick", Data: 1})
	require.NoError(t, err)

	_, v := b.call(t, "GET", "redis/stats", "")
	require.Equal(t, "redis", v["backend"])
	require.NotEmpty(t, v["version"])
	_, v = b.call(t, "GET", "job-schedulers?queueName=mail", "")
	s := v["schedulers"].([]any)[0].(map[string]any)
	require.Equal(t, "s1", s["id"])
	require.Equal(t, "0 3 * * *", s["pattern"])
	next := int64(s["next"].(float64))
	require.Equal(t, fmt.Sprintf("repeat:s1:%d", next), s["nextRunJobId"])
	_, v = b.call(t, "GET", "job-schedulers?queueName=other", "")
	require.Empty(t, v["schedulers"])
	_, v = b.call(t, "GET", "queues/mail/workers", "")
	require.Empty(t, v["workers"])
	require.NotNil(t, v["workers"])

	status, v := b.call(t, "PUT", fmt.Sprintf("queues/mail/repeat%%3As1%%3A%d/clean", next), "")
	require.Equal(t, 400, status)
	require.Equal(t, "ERRORS.JOB_BELONGS_TO_JOB_SCHEDULER", errorKeyOf(v))
	require.Equal(t, "s1", v["jobSchedulerId"])
	status, _ = b.call(t, "PUT", "queues/mail/job-schedulers/s1/remove", "")
	require.Equal(t, 204, status)
	status, v = b.call(t, "PUT", "queues/mail/job-schedulers/s1/remove", "")
	require.Equal(t, 404, status)
	require.Equal(t, "ERRORS.JOB_SCHEDULER_NOT_FOUND", errorKeyOf(v))
}
