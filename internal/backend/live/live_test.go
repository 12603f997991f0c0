package live_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/live"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/event"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// keyring authenticates by X-API-Key, and its keys can be revoked.
type keyring struct {
	mu   sync.Mutex
	keys map[string]*auth.Principal // guarded by mu
}

func (k *keyring) Authenticate(r *http.Request) (*auth.Principal, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p := k.keys[r.Header.Get("X-API-Key")]; p != nil {
		return p, nil
	}
	return nil, problem.New(http.StatusUnauthorized, "unauthorized", "No valid credential.")
}

func (k *keyring) set(key string, p *auth.Principal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[key] = p
}

type bundle struct {
	redis  *bullmq.Redis
	hub    *event.Hub
	keys   *keyring
	url    string
	prefix string
	stop   func()
}

// setup serves live connections over the shared Redis for the length of the test.
func setup(t *testing.T, hubOpts event.Options, opts live.Options) *bundle {
	t.Helper()
	redis, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = redis.Close() })
	prefix := testenv.Prefix(t)
	hubOpts.Prefix, opts.Prefix = prefix, prefix
	hubOpts.Discover, hubOpts.Block = -1, 50*time.Millisecond
	hubOpts.Logger, opts.Logger = slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler)
	hub, err := event.New(redis, hubOpts)
	require.NoError(t, err)
	keys := &keyring{keys: map[string]*auth.Principal{
		"all":  {Kind: auth.KindAPIKey, ID: "1", Scopes: []auth.Scope{auth.JobsRead, auth.QueuesRead}},
		"mail": {Kind: auth.KindAPIKey, ID: "2", Scopes: []auth.Scope{auth.JobsRead, auth.QueuesRead}, Queues: []string{"mail*"}},
		"none": {Kind: auth.KindAPIKey, ID: "3"},
	}}
	server, err := live.New(redis, hub, keys, opts)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live", server.WebSocket)
	mux.HandleFunc("GET /events", server.Events)
	web := httptest.NewServer(mux)

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(ctx) })
	running.Go(func() { _ = server.Run(ctx) })
	b := &bundle{redis: redis, hub: hub, keys: keys, url: web.URL, prefix: prefix}
	b.stop = sync.OnceFunc(func() { cancel(); running.Wait(); web.Close() })
	t.Cleanup(b.stop)
	return b
}

func (b *bundle) publish(kind bullmq.EventType, queue, job string) {
	b.hub.Publish(&event.Message{Type: kind, Queue: queue, JobID: job, TS: 1})
}

// client is a live client that keeps what it is sent.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

type received struct {
	Type   string          `json:"type"`
	Queue  string          `json:"queue"`
	JobID  string          `json:"jobId"`
	Seq    uint64          `json:"seq"`
	Epoch  string          `json:"epoch"`
	Code   string          `json:"code"`
	Topics []string        `json:"topics"`
	Value  json.RawMessage `json:"progress"`
	Queues []struct {
		Name   string           `json:"name"`
		Paused bool             `json:"paused"`
		Counts map[string]int64 `json:"counts"`
	} `json:"queues"`
}

func (b *bundle) dial(t *testing.T, key string) *client {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), b.url+"/live", &websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {key}}})
	require.NoError(t, err)
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	c := &client{t: t, conn: conn}
	require.Equal(t, "hello", c.next().Type)
	return c
}

func (c *client) send(v any) {
	c.t.Helper()
	require.NoError(c.t, wsjson.Write(c.t.Context(), c.conn, v))
}

func (c *client) next() received {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	var r received
	require.NoError(c.t, wsjson.Read(ctx, c.conn, &r))
	return r
}

func (c *client) subscribe(topics ...string) received {
	c.t.Helper()
	c.send(map[string]any{"type": "subscribe", "topics": topics})
	r := c.next()
	require.Equal(c.t, "subscribed", r.Type, "%+v", r)
	return r
}

// closed reads on until the connection ends and returns the close code.
func (c *client) closed() websocket.StatusCode {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := c.conn.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func TestWebSocketSendsWhatTopicsAskFor(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{})
	c := b.dial(t, "all")
	c.subscribe("queue:mail", "job:video/7", "job:a%2Fb/x:1", "queues")

	b.publish("added", "mail", "1")
	b.publish("added", "video", "6")
	b.publish("added", "video", "7")
	b.publish("added", "a/b", "x:1")
	b.publish("paused", "video", "")
	for _, want := range []string{"added mail 1", "added video 7", "added a/b x:1", "paused video "} {
		r := c.next()
		require.Equal(t, want, fmt.Sprint(r.Type, " ", r.Queue, " ", r.JobID))
	}

	c.send(map[string]any{"type": "unsubscribe", "topics": []string{"queue:mail"}})
	require.Equal(t, "unsubscribed", c.next().Type)
	b.publish("added", "mail", "2")
	b.publish("added", "video", "7")
	require.Equal(t, "video", c.next().Queue)
}

func TestWebSocketRefusesWhatMayNotBeSeen(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{})
	c := b.dial(t, "mail")
	tests := map[string]string{
		"queue:video": "forbidden", "job:video/1": "forbidden", "queue:": "invalid_topic", "job:mail": "invalid_topic",
		"stats:x": "invalid_topic", "everything": "invalid_topic", strings.Repeat("x", 2000): "invalid_topic",
	}
	for topic, code := range tests {
		c.send(map[string]any{"type": "subscribe", "topics": []string{topic}})
		r := c.next()
		require.Equal(t, "error", r.Type, topic)
		require.Equal(t, code, r.Code, topic)
	}
	c.subscribe("queues", "queue:mail-in")
	b.publish("paused", "video", "")
	b.publish("added", "video", "1")
	b.publish("paused", "mail", "")
	require.Equal(t, "mail", c.next().Queue)

	nothing := b.dial(t, "none")
	nothing.send(map[string]any{"type": "subscribe", "topics": []string{"stats"}})
	require.Equal(t, "forbidden", nothing.next().Code)
}

func TestWebSocketAnswersBadMessagesAndGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{})
	c := b.dial(t, "all")
	for _, text := range []string{`{`, `[]`, `{"type":"dance"}`, `{"type":"ping","x":1}`, `{"type":"ping"}{}`} {
		require.NoError(t, c.conn.Write(t.Context(), websocket.MessageText, []byte(text)))
		require.Equal(t, "bad_message", c.next().Code, text)
	}
	c.send(map[string]any{"type": "ping"})
	require.Equal(t, "pong", c.next().Type)

	// The server hangs up in the middle, so not even the close code is sure to arrive.
	_ = c.conn.Write(t.Context(), websocket.MessageText, make([]byte, 100_000))
	c.closed()
}

func TestWebSocketBoundsTopics(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{})
	c := b.dial(t, "all")
	topics := make([]string, 300)
	for i := range topics {
		topics[i] = fmt.Sprintf("job:mail/%d", i)
	}
	c.send(map[string]any{"type": "subscribe", "topics": topics})
	require.Equal(t, "too_many_topics", c.next().Code)
	require.Len(t, c.next().Topics, 256)
}

func TestWebSocketNeedsACredentialAndItsOwnOrigin(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{Origins: []string{"board.example"}})
	dial := func(header http.Header) int {
		conn, resp, err := websocket.Dial(t.Context(), b.url+"/live", &websocket.DialOptions{HTTPHeader: header})
		if err == nil {
			_ = conn.CloseNow()
		}
		require.NotNil(t, resp, "%v", err)
		return resp.StatusCode
	}
	require.Equal(t, http.StatusUnauthorized, dial(http.Header{}))
	require.Equal(t, http.StatusForbidden, dial(http.Header{"X-Api-Key": {"all"}, "Origin": {"https://evil.example"}}))
	require.Equal(t, http.StatusSwitchingProtocols, dial(http.Header{"X-Api-Key": {"all"}, "Origin": {"https://board.example"}}))
	require.Equal(t, http.StatusSwitchingProtocols, dial(http.Header{"X-Api-Key": {"all"}, "Origin": {b.url}}))
}

func TestWebSocketResumesAfterTheLastSeenMessage(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{History: 10}, live.Options{})
	c := b.dial(t, "all")
	c.subscribe("queue:mail")
	b.publish("added", "mail", "1")
	seen := c.next()
	_ = c.conn.CloseNow()
	b.publish("added", "mail", "2")
	b.publish("added", "video", "3")
	b.publish("added", "mail", "4")

	c = b.dial(t, "all")
	c.send(map[string]any{"type": "subscribe", "topics": []string{"queue:mail"}, "since": seen.Seq, "epoch": b.hub.Epoch()})
	require.Equal(t, "subscribed", c.next().Type)
	require.Equal(t, "2", c.next().JobID)
	require.Equal(t, "4", c.next().JobID)
	b.publish("added", "mail", "5")
	require.Equal(t, "5", c.next().JobID)

	for range 20 {
		b.publish("added", "mail", "6")
	}
	for _, epoch := range []string{b.hub.Epoch(), "another"} {
		c = b.dial(t, "all")
		c.send(map[string]any{"type": "subscribe", "topics": []string{"queue:mail"}, "since": seen.Seq, "epoch": epoch})
		require.Equal(t, "subscribed", c.next().Type)
		require.Equal(t, "resync", c.next().Type)
	}
}

func TestWebSocketTellsASlowClientToLoadAnew(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{History: 100}, live.Options{})
	c := b.dial(t, "all")
	c.subscribe("queue:mail")
	// More than the sockets' buffers and the history can hold.
	reason := strings.Repeat("x", 16_000)
	for range 3000 {
		b.hub.Publish(&event.Message{Type: "failed", Queue: "mail", JobID: "1", FailedReason: reason})
	}
	b.publish("added", "mail", "last")
	resynced := false
	for {
		r := c.next()
		resynced = resynced || r.Type == "resync"
		if r.JobID == "last" {
			break
		}
	}
	require.True(t, resynced)
}

func TestWebSocketSendsTheNewestProgressAndNotEveryOne(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{})
	c := b.dial(t, "all")
	c.subscribe("queue:mail")
	for i := range 1000 {
		b.hub.Publish(&event.Message{Type: "progress", Queue: "mail", JobID: "1", Progress: json.RawMessage(fmt.Sprint(i))})
	}
	var frames int
	var last received
	for string(last.Value) != "999" {
		last = c.next()
		frames++
	}
	require.Less(t, frames, 500)

	for i := range 10 {
		b.hub.Publish(&event.Message{Type: "progress", Queue: "mail", JobID: "2", Progress: json.RawMessage(fmt.Sprint(i))})
	}
	b.publish("completed", "mail", "2")
	var before received
	for r := c.next(); r.Type != "completed"; r = c.next() {
		before = r
	}
	require.Equal(t, "9", string(before.Value))
}

func TestWebSocketEndsWithItsCredential(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{Recheck: 20 * time.Millisecond})
	c := b.dial(t, "all")
	c.subscribe("queue:video", "queue:mail")
	b.keys.set("all", &auth.Principal{Kind: auth.KindAPIKey, ID: "1", Scopes: []auth.Scope{auth.JobsRead}, Queues: []string{"mail"}})
	r := c.next()
	require.Equal(t, "forbidden", r.Code)
	require.Equal(t, []string{"queue:video"}, r.Topics)

	b.keys.set("all", nil)
	require.Equal(t, websocket.StatusPolicyViolation, c.closed())
}

func TestConnectionsEndWithTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{})
	var clients []*client
	for range 5 {
		clients = append(clients, b.dial(t, "all"))
	}
	resp := b.get(t, "/events?topics=queues", nil)
	go b.stop()
	for _, c := range clients {
		require.Equal(t, websocket.StatusGoingAway, c.closed())
	}
	for scanner := bufio.NewScanner(resp.Body); scanner.Scan(); {
	}
}

func TestServerBoundsConnections(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{MaxConnections: 1})
	first := b.dial(t, "all")
	resp := b.get(t, "/events?topics=queues", nil)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	_ = first.conn.Close(websocket.StatusNormalClosure, "")
	require.Eventually(t, func() bool {
		return b.get(t, "/events?topics=queues", nil).StatusCode == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
}

func TestQuietWebSocketIsPinged(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{Heartbeat: 10 * time.Millisecond, WriteTimeout: 5 * time.Second})
	pings := make(chan struct{}, 1)
	conn, _, err := websocket.Dial(t.Context(), b.url+"/live", &websocket.DialOptions{
		HTTPHeader: http.Header{"X-Api-Key": {"all"}},
		OnPingReceived: func(context.Context, []byte) bool {
			select {
			case pings <- struct{}{}:
			default:
			}
			return true
		},
	})
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for err := error(nil); err == nil; {
			_, _, err = conn.Read(ctx)
		}
	}()
	for range 3 {
		select {
		case <-pings:
		case <-done:
			require.Fail(t, "the connection ended")
		}
	}
	cancel()
	<-done
}
