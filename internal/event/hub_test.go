package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/event"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type bundle struct {
	redis  *bullmq.Redis
	hub    *event.Hub
	prefix string
}

// setup runs a hub over the shared server for the length of the test.
func setup(t *testing.T, opts event.Options) *bundle {
	t.Helper()
	redis, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = redis.Close() })
	opts.Prefix = testenv.Prefix(t)
	opts.Block = 50 * time.Millisecond
	opts.Logger = slog.New(slog.DiscardHandler)
	if opts.Discover == 0 {
		opts.Discover = -1
	}
	hub, err := event.New(redis, opts)
	require.NoError(t, err)
	b := &bundle{redis: redis, hub: hub, prefix: opts.Prefix}
	return b
}

func (b *bundle) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// emit appends an entry to a queue's stream as any BullMQ program does.
func (b *bundle) emit(t *testing.T, queue, kind string, fields ...string) {
	t.Helper()
	client := b.redis.Client()
	cmd := client.B().Xadd().Key(b.prefix+":"+queue+":events").Id("*").FieldValue().FieldValue("event", kind)
	for i := 0; i+1 < len(fields); i += 2 {
		cmd = cmd.FieldValue(fields[i], fields[i+1])
	}
	require.NoError(t, client.Do(t.Context(), cmd.Build()).Error())
}

func take(t *testing.T, s *event.Subscription, n int) []*event.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all []*event.Message
	for len(all) < n {
		messages, missed, err := s.Next(ctx, n)
		require.NoError(t, err, "got %d of %d messages", len(all), n)
		require.False(t, missed)
		all = append(all, messages...)
	}
	return all
}

func TestHubPublishesStreamEntriesInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{})
	b.run(t)
	require.NoError(t, b.hub.Follow(t.Context(), "mail", "video"))
	require.Equal(t, []string{"mail", "video"}, b.hub.Queues())
	s := b.hub.Subscribe(event.Position{}, func(m *event.Message) bool { return m.Queue == "mail" })
	defer s.Close()

	for i := range 100 {
		b.emit(t, "mail", "added", "jobId", fmt.Sprint(i), "name", "send")
		b.emit(t, "video", "added", "jobId", fmt.Sprint(i), "name", "cut")
	}
	messages := take(t, s, 100)
	require.Len(t, messages, 100)
	for i, m := range messages {
		require.Equal(t, fmt.Sprint(i), m.JobID)
		require.Equal(t, "mail", m.Queue)
		if i > 0 {
			require.Greater(t, m.Seq, messages[i-1].Seq)
		}
	}
}

func TestHubCarriesEachEventsFields(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{})
	b.run(t)
	require.NoError(t, b.hub.Follow(t.Context(), "mail"))
	s := b.hub.Subscribe(event.Position{}, nil)
	defer s.Close()

	b.emit(t, "mail", "waiting", "jobId", "1", "prev", "delayed")
	b.emit(t, "mail", "progress", "jobId", "1", "data", `{"percent":4}`)
	b.emit(t, "mail", "progress", "jobId", "1", "data", `not json`)
	b.emit(t, "mail", "completed", "jobId", "1", "returnvalue", `[1,2]`, "prev", "active")
	b.emit(t, "mail", "failed", "jobId", "2", "failedReason", `say "no"`, "prev", "active")
	b.emit(t, "mail", "delayed", "jobId", "3", "delay", "1700000000000")
	b.emit(t, "mail", "retries-exhausted", "jobId", "2", "attemptsMade", "3")
	b.emit(t, "mail", "cleaned", "count", "7")
	b.emit(t, "mail", "paused")
	b.emit(t, "mail", "completed", "jobId", "4", "returnvalue", `"`+strings.Repeat("x", event.MaxValueBytes)+`"`)
	b.emit(t, "mail", "failed", "jobId", "5", "failedReason", strings.Repeat("é", event.MaxValueBytes))

	messages := take(t, s, 11)
	want := []string{
		`{"type":"waiting","queue":"mail","jobId":"1","prev":"delayed"}`,
		`{"type":"progress","queue":"mail","jobId":"1","progress":{"percent":4}}`,
		`{"type":"progress","queue":"mail","jobId":"1"}`,
		`{"type":"completed","queue":"mail","jobId":"1","prev":"active","returnValue":[1,2]}`,
		`{"type":"failed","queue":"mail","jobId":"2","prev":"active","failedReason":"say \"no\""}`,
		`{"type":"delayed","queue":"mail","jobId":"3","runAt":1700000000000}`,
		`{"type":"retries-exhausted","queue":"mail","jobId":"2","attemptsMade":3}`,
		`{"type":"cleaned","queue":"mail","count":7}`,
		`{"type":"paused","queue":"mail"}`,
		`{"type":"completed","queue":"mail","jobId":"4","truncated":true}`,
	}
	for i, text := range want {
		var got map[string]any
		require.NoError(t, json.Unmarshal(messages[i].JSON(), &got))
		require.NotZero(t, got["ts"])
		require.NotZero(t, got["seq"])
		delete(got, "ts")
		delete(got, "seq")
		plain, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, text, string(plain))
	}
	require.True(t, messages[10].Truncated)
	require.Equal(t, strings.Repeat("é", event.MaxValueBytes/2), messages[10].FailedReason)
}

func TestHubDiscoversQueuesFromTheirFirstEvent(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{Discover: 20 * time.Millisecond})
	old, err := bullmq.NewQueue(b.redis, "old", &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(t, err)
	require.NoError(t, old.Init(t.Context()))
	b.emit(t, "old", "added", "jobId", "before")
	s := b.hub.Subscribe(event.Position{}, nil)
	defer s.Close()
	b.run(t)
	require.Eventually(t, func() bool { return len(b.hub.Queues()) == 1 }, 10*time.Second, 5*time.Millisecond)

	b.emit(t, "new", "added", "jobId", "first")
	queue, err := bullmq.NewQueue(b.redis, "new", &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(t, err)
	require.NoError(t, queue.Init(t.Context()))
	messages := take(t, s, 1)
	require.Equal(t, "first", messages[0].JobID)
}

func TestHubFollowsANewQueueFromItsFirstEvent(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{Discover: time.Hour})
	old, err := bullmq.NewQueue(b.redis, "old", &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(t, err)
	require.NoError(t, old.Init(t.Context()))
	s := b.hub.Subscribe(event.Position{}, nil)
	defer s.Close()
	b.run(t)
	require.Eventually(t, func() bool { return len(b.hub.Queues()) == 1 }, 10*time.Second, 5*time.Millisecond)

	// The look that found the old queue may not be quite over at the first try.
	for try := 0; ; try++ {
		queue := fmt.Sprint("new", try)
		b.emit(t, queue, "added", "jobId", "first")
		require.NoError(t, b.hub.Follow(t.Context(), queue))
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		messages, _, err := s.Next(ctx, 1)
		cancel()
		if err == nil {
			require.Equal(t, "first", messages[0].JobID)
			return
		}
		require.Less(t, try, 10, "the first event never came")
	}
}

func TestHubGoesOnAfterItsServerWasAway(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	redis, err := bullmq.OpenRedis(t.Context(), server.URL, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = redis.Close() })
	hub, err := event.New(redis, event.Options{Discover: -1, Block: 50 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	b := &bundle{redis: redis, hub: hub, prefix: bullmq.DefaultPrefix}
	b.run(t)
	require.NoError(t, hub.Follow(t.Context(), "mail"))
	s := hub.Subscribe(event.Position{}, nil)
	defer s.Close()

	b.emit(t, "mail", "added", "jobId", "1")
	require.Equal(t, "1", take(t, s, 1)[0].JobID)
	server.Stop()
	require.NoError(t, server.Start())
	b.emit(t, "mail", "added", "jobId", "2")
	require.Equal(t, "2", take(t, s, 1)[0].JobID)
}

func TestNewRefusesBadOptions(t *testing.T) {
	t.Parallel()
	for _, opts := range []event.Options{{History: -1}, {HistoryBytes: -1}, {Discover: -2}} {
		_, err := event.New(nil, opts)
		require.Error(t, err)
	}
}
