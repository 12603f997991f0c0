package catalogue_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func openClient(t *testing.T) rueidis.Client {
	t.Helper()
	opts, err := rueidis.ParseURL(testenv.RedisURL(t))
	require.NoError(t, err)
	opts.DisableCache = true
	client, err := rueidis.NewClient(opts)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// publish runs a publisher of the worker until the returned function is called.
func publish(t *testing.T, client rueidis.Client, prefix string, snapshot func() catalogue.Worker) (p *catalogue.Publisher, stop func()) {
	t.Helper()
	p = catalogue.NewPublisher(client, prefix, snapshot, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return p, stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 10*time.Second, 10*time.Millisecond, what)
}

func TestWhatIsPublishedCanBeReadUntilThePublisherEnds(t *testing.T) {
	t.Parallel()
	client, prefix := openClient(t), testenv.Prefix(t)
	want := catalogue.Worker{
		ID: "w1", Host: "box", PID: 42, StartedAt: time.UnixMilli(1_700_000_000_000).UTC(),
		Queues: []catalogue.Queue{{Name: "mail", Concurrency: 5, Running: 2}},
		Handlers: []catalogue.Handler{{
			Name: "send", Version: "1.0.0+abc", Kind: catalogue.KindCustom, Source: "send.ts", Language: "typescript",
			DataSchema: json.RawMessage(`{"type":"object"}`),
			Defaults:   &catalogue.Defaults{Attempts: 3, Backoff: &bullmq.Backoff{Type: bullmq.BackoffFixed, Delay: time.Second}},
		}, {
			Name: "broken", Kind: catalogue.KindCustom, Source: "broken.js", Language: "javascript",
			Error: &catalogue.LoadError{Message: "Unexpected \"}\"", File: "broken.js", Line: 3, Column: 7, At: time.UnixMilli(5).UTC()},
		}},
	}
	_, stop := publish(t, client, prefix, func() catalogue.Worker { return want })
	reader := catalogue.NewReader(client, prefix)

	var got []catalogue.Worker
	eventually(t, "the worker is listed", func() bool {
		var err error
		got, err = reader.Workers(t.Context())
		require.NoError(t, err)
		return len(got) == 1
	})
	require.WithinDuration(t, time.Now(), got[0].SeenAt, time.Minute)
	got[0].SeenAt = time.Time{}
	require.Empty(t, cmp.Diff(want, got[0]))

	require.True(t, got[0].Serves("mail"))
	require.False(t, got[0].Serves("other"))
	_, found := got[0].Handler("send")
	require.True(t, found)
	_, found = got[0].Handler("broken")
	require.False(t, found, "a handler that never loaded is not in service")

	stop()
	got, err := reader.Workers(t.Context())
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestAChangeIsPublishedWithoutWaitingForTheInterval(t *testing.T) {
	t.Parallel()
	client, prefix := openClient(t), testenv.Prefix(t)
	var mu sync.Mutex
	w := catalogue.Worker{ID: "w1"}
	p, _ := publish(t, client, prefix, func() catalogue.Worker {
		mu.Lock()
		defer mu.Unlock()
		return w
	})
	reader := catalogue.NewReader(client, prefix)
	handlers := func() int {
		got, err := reader.Workers(t.Context())
		require.NoError(t, err)
		if len(got) == 0 {
			return -1
		}
		return len(got[0].Handlers)
	}
	eventually(t, "no handlers yet", func() bool { return handlers() == 0 })
	mu.Lock()
	w.Handlers = []catalogue.Handler{{Name: "a", Version: "1"}}
	mu.Unlock()
	p.Changed()
	eventually(t, "one handler", func() bool { return handlers() == 1 })
}

func TestAnEntryExpiresWhenItsWorkerIsGone(t *testing.T) {
	t.Parallel()
	client, prefix := openClient(t), testenv.Prefix(t)
	ctx, cancel := context.WithCancel(t.Context())
	opts := &catalogue.PublisherOptions{TTL: 200 * time.Millisecond, Interval: time.Hour}
	p := catalogue.NewPublisher(client, prefix, func() catalogue.Worker { return catalogue.Worker{ID: "gone"} }, opts)
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	reader := catalogue.NewReader(client, prefix)
	count := func() int {
		got, err := reader.Workers(t.Context())
		require.NoError(t, err)
		return len(got)
	}
	eventually(t, "it was there", func() bool { return count() == 1 })
	eventually(t, "it has expired", func() bool { return count() == 0 })
	cancel()
	require.NoError(t, <-done)
}

func TestHandlersLostFromRedisAreWrittenAgain(t *testing.T) {
	t.Parallel()
	client, prefix := openClient(t), testenv.Prefix(t)
	p, _ := publish(t, client, prefix, func() catalogue.Worker {
		return catalogue.Worker{ID: "w1", Handlers: []catalogue.Handler{{Name: "a", Version: "1"}}}
	})
	reader := catalogue.NewReader(client, prefix)
	listed := func() bool {
		got, err := reader.Workers(t.Context())
		require.NoError(t, err)
		return len(got) == 1
	}
	eventually(t, "listed", listed)
	require.NoError(t, client.Do(t.Context(), client.B().Del().Key("jobrunner:{"+prefix+"}:workers:w1:handlers").Build()).Error())
	require.False(t, listed())
	p.Changed()
	eventually(t, "listed again", listed)
}
