package live_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/live"
	"github.com/jobrunner-dev/jobrunner/internal/event"
)

func (b *bundle) queue(t *testing.T, name string) *bullmq.Queue {
	t.Helper()
	q, err := bullmq.NewQueue(b.redis, name, &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(t, err)
	require.NoError(t, q.Init(t.Context()))
	require.NoError(t, b.hub.Follow(t.Context(), name))
	return q
}

func TestStatsFollowTheQueues(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{StatsInterval: 20 * time.Millisecond})
	mail, video := b.queue(t, "mail"), b.queue(t, "video")
	_, err := video.Add(t.Context(), "cut", nil, nil)
	require.NoError(t, err)
	all, some := b.dial(t, "all"), b.dial(t, "mail")
	all.subscribe("stats")
	some.subscribe("stats")

	// The first frames show what was there before; later ones what changed.
	waiting := func(c *client, queue string, n int64) {
		t.Helper()
		for {
			r := c.next()
			require.Equal(t, "stats", r.Type)
			for _, q := range r.Queues {
				if q.Name == queue && q.Counts["waiting"] == n {
					return
				}
			}
		}
	}
	waiting(all, "video", 1)
	_, err = mail.Add(t.Context(), "send", nil, nil)
	require.NoError(t, err)
	waiting(all, "mail", 1)

	require.NoError(t, mail.Pause(t.Context()))
	for paused := false; !paused; {
		for _, q := range some.next().Queues {
			require.Equal(t, "mail", q.Name)
			paused = q.Paused
		}
	}
}

func (b *bundle) get(t *testing.T, path string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+path, nil)
	require.NoError(t, err)
	req.Header.Set("X-Api-Key", "all")
	maps.Copy(req.Header, header)
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// sseEvent reads the next event of a stream.
func sseEvent(t *testing.T, r *bufio.Reader) (id string, data received) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		line = strings.TrimSuffix(line, "\n")
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			require.NoError(t, json.Unmarshal([]byte(v), &data))
		}
		if line == "" && data.Type != "" {
			return id, data
		}
	}
}

func TestEventStreamSendsAndResumes(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{Heartbeat: 10 * time.Millisecond})
	resp := b.get(t, "/events?topics=queue:mail,queues&topics=job:video/7", nil)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	stream := bufio.NewReader(resp.Body)
	_, first := sseEvent(t, stream)
	require.Equal(t, "subscribed", first.Type)
	b.publish("added", "mail", "1")
	b.publish("added", "video", "7")
	id, one := sseEvent(t, stream)
	require.Equal(t, "1", one.JobID)
	_, seven := sseEvent(t, stream)
	require.Equal(t, "7", seven.JobID)
	_ = resp.Body.Close()

	b.publish("added", "mail", "2")
	resp = b.get(t, "/events?topics=queue:mail", http.Header{"Last-Event-Id": {id}})
	stream = bufio.NewReader(resp.Body)
	_, first = sseEvent(t, stream)
	require.Equal(t, "subscribed", first.Type)
	_, two := sseEvent(t, stream)
	require.Equal(t, "2", two.JobID)

	resp = b.get(t, "/events?topics=queue:mail", http.Header{"Last-Event-Id": {"other.7"}})
	stream = bufio.NewReader(resp.Body)
	_, _ = sseEvent(t, stream)
	_, resync := sseEvent(t, stream)
	require.Equal(t, "resync", resync.Type)
}

func TestEventStreamRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{}, live.Options{})
	tests := map[string]struct {
		path, key string
		status    int
		code      string
	}{
		"no topics":     {"/events", "all", 422, "invalid_topic"},
		"bad topic":     {"/events?topics=all", "all", 422, "invalid_topic"},
		"hidden queue":  {"/events?topics=queue:video", "mail", 403, "forbidden"},
		"no credential": {"/events?topics=queues", "", 401, "unauthorized"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := b.get(t, tt.path, http.Header{"X-Api-Key": {tt.key}})
			require.Equal(t, tt.status, resp.StatusCode)
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
			var body struct{ Code string }
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&body))
			require.Equal(t, tt.code, body.Code)
		})
	}
}
