package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/store"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// restClient calls a backend as its admin.
type restClient struct {
	url, token string
	http       *http.Client
}

// startBackend runs a backend over the queues of a prefix until the test ends.
func startBackend(t *testing.T, prefix string) *restClient {
	t.Helper()
	const email, password = "admin@example.com", "correct horse battery"
	quiet := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), testenv.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	redis, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), &bullmq.RedisOptions{Logger: quiet})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, redis.Close()) })
	server, err := backend.New(t.Context(), backend.Options{
		Store: db, Redis: redis, Prefix: prefix, Logger: quiet, AdminEmail: email, AdminPassword: password,
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	listener := httptest.NewServer(server.Handler())
	c := &restClient{url: listener.URL, http: &http.Client{Timeout: patience}}
	t.Cleanup(func() {
		c.http.CloseIdleConnections()
		listener.Close()
		cancel()
		require.NoError(t, <-done)
	})
	var session struct{ AccessToken string }
	c.call(t, http.MethodPost, "/auth/login", params{"email": email, "password": password}, http.StatusOK, &session)
	c.token = session.AccessToken
	return c
}

// call sends a request to a path below /api/v1 and decodes the answer.
func (c *restClient) call(t *testing.T, method, path string, body any, wantStatus int, result any) {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(testContext(t), method, c.url+"/api/v1"+path, bytes.NewReader(text))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, wantStatus, resp.StatusCode, "%s %s: %s", method, path, answer)
	require.NoError(t, json.Unmarshal(answer, result))
}

// liveMessage is a message of the live feed.
type liveMessage struct {
	Type         string          `json:"type"`
	JobID        string          `json:"jobId"`
	ReturnValue  json.RawMessage `json:"returnValue"`
	FailedReason string          `json:"failedReason"`
}

// subscribe follows a queue over a WebSocket.
func (c *restClient) subscribe(t *testing.T, queue string) *websocket.Conn {
	t.Helper()
	ctx := testContext(t)
	conn, resp, err := websocket.Dial(ctx, strings.Replace(c.url, "http", "ws", 1)+"/api/v1/live", &websocket.DialOptions{
		HTTPClient: c.http, HTTPHeader: http.Header{"Authorization": {"Bearer " + c.token}},
	})
	require.NoError(t, err)
	if resp.Body != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	require.NoError(t, wsjson.Write(ctx, conn, params{"type": "subscribe", "topics": []string{"queue:" + queue}}))
	for m := (liveMessage{}); m.Type != "subscribed"; {
		require.NoError(t, wsjson.Read(ctx, conn, &m))
		require.NotEqual(t, "error", m.Type)
	}
	return conn
}

// restJob is a job as the API shows it.
type restJob struct {
	ID           string          `json:"id"`
	State        string          `json:"state"`
	ReturnValue  json.RawMessage `json:"returnValue"`
	FailedReason string          `json:"failedReason"`
	Stacktrace   []string        `json:"stacktrace"`
	AttemptsMade int             `json:"attemptsMade"`
	Progress     json.RawMessage `json:"progress"`
	ProcessedBy  string          `json:"processedBy"`
}

func TestJobsSubmittedOverRESTAreRunByNode(t *testing.T) {
	t.Parallel()
	node := newNodeEngine(t)
	q := newQueue(t)
	c := startBackend(t, q.Prefix)
	node.startWorker(t, q, workerOptions{Name: "node-worker", Concurrency: 20})
	live := c.subscribe(t, q.Name)

	// The Node worker alone makes the queue known.
	var bulk struct{ Items []struct{ Job restJob } }
	c.call(t, http.MethodPost, "/queues/"+q.Name+"/jobs/bulk", params{"jobs": thousand()}, http.StatusCreated, &bulk)
	require.Len(t, bulk.Items, 1000)

	ctx, cancel := context.WithTimeout(testContext(t), patience)
	defer cancel()
	seen := map[string]json.RawMessage{}
	for len(seen) < 1000 {
		var m liveMessage
		require.NoError(t, wsjson.Read(ctx, live, &m), "after %d of 1000 results", len(seen))
		require.NotEqual(t, "resync", m.Type, "the live feed lost messages after %d results", len(seen))
		if m.Type == "completed" {
			seen[m.JobID] = m.ReturnValue
		}
	}
	for i, item := range bulk.Items {
		require.JSONEq(t, result(i), string(seen[item.Job.ID]))
		var job restJob
		c.call(t, http.MethodGet, "/queues/"+q.Name+"/jobs/"+item.Job.ID, nil, http.StatusOK, &job)
		require.Equal(t, "completed", job.State)
		require.Equal(t, "node-worker", job.ProcessedBy)
		require.JSONEq(t, result(i), string(job.ReturnValue))
	}
}

func TestOutcomesOfNodeWorkersAreSeenOverREST(t *testing.T) {
	t.Parallel()
	node := newNodeEngine(t)
	q := newQueue(t)
	c := startBackend(t, q.Prefix)
	node.startWorker(t, q, workerOptions{})
	live := c.subscribe(t, q.Name)
	submit := func(name, data, opts string) (id string) {
		var job restJob
		body := params{"name": name, "data": raw(data), "opts": raw(opts)}
		c.call(t, http.MethodPost, "/queues/"+q.Name+"/jobs", body, http.StatusCreated, &job)
		return job.ID
	}
	await := func(id, event string) restJob {
		for m := (liveMessage{}); m.JobID != id || m.Type != event; {
			m = liveMessage{}
			require.NoError(t, wsjson.Read(testContext(t), live, &m), "waiting for %s of job %s", event, id)
		}
		var job restJob
		c.call(t, http.MethodGet, fmt.Sprintf("/queues/%s/jobs/%s", q.Name, id), nil, http.StatusOK, &job)
		return job
	}

	failed := await(submit("fail", `{"message":"no such thing"}`, `{"attempts":2,"backoff":10}`), "failed")
	require.Equal(t, "failed", failed.State)
	require.Equal(t, "no such thing", failed.FailedReason)
	require.Equal(t, 2, failed.AttemptsMade)
	require.Len(t, failed.Stacktrace, 2)
	require.Contains(t, failed.Stacktrace[0], "processor.mjs")

	reported := await(submit("report", `{}`, `{"delay":20,"priority":3}`), "completed")
	require.JSONEq(t, `"reported"`, string(reported.ReturnValue))
	require.JSONEq(t, `{"rows":3,"of":4}`, string(reported.Progress))
	var logs struct{ Items []string }
	c.call(t, http.MethodGet, fmt.Sprintf("/queues/%s/jobs/%s/logs", q.Name, reported.ID), nil, http.StatusOK, &logs)
	require.Equal(t, []string{"first line", "second line"}, logs.Items)
}
