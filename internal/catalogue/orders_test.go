package catalogue_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestAWorkerHearsItsOrdersAtOnce(t *testing.T) {
	t.Parallel()
	client, prefix := openClient(t), testenv.Prefix(t)
	var paused atomic.Bool
	p := catalogue.NewPublisher(client, prefix, func() catalogue.Worker {
		return catalogue.Worker{ID: "w1", Paused: paused.Load()}
	}, &catalogue.PublisherOptions{
		TTL: time.Hour, Ordered: func(o catalogue.Orders) { paused.Store(o.Paused) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	reader := catalogue.NewReader(client, prefix)
	eventually(t, "the worker is listed", func() bool {
		workers, err := reader.Workers(t.Context())
		return err == nil && len(workers) == 1
	})
	for _, want := range []bool{true, false, true} {
		require.NoError(t, reader.Order(t.Context(), "w1", catalogue.Orders{Paused: want}))
		eventually(t, "the order is heard", func() bool { return paused.Load() == want })
	}
	require.ErrorIs(t, reader.Order(t.Context(), "other", catalogue.Orders{}), catalogue.ErrWorkerNotFound)
	cancel()
	require.NoError(t, <-done)
	require.ErrorIs(t, reader.Order(t.Context(), "w1", catalogue.Orders{}), catalogue.ErrWorkerNotFound)
}

func TestAWorkerRunsWhatItsQueueAllows(t *testing.T) {
	t.Parallel()
	w := catalogue.Worker{
		Queues: []catalogue.Queue{{Name: "all"}, {Name: "some", Handlers: []string{"send-*", "echo"}}},
		Handlers: []catalogue.Handler{
			{Name: "send-mail", Version: "1"},
			{Name: "resize", Version: "1"},
			{Name: "echo", Version: "1", Disabled: true},
			{Name: "send-broken"},
		},
		Load: []catalogue.Load{{Handler: "resize", Running: 2, Concurrency: 2}},
	}
	for _, tt := range []struct {
		queue, name string
		want        bool
	}{
		{"all", "send-mail", true},
		{"all", "resize", true},
		{"all", "echo", false},
		{"all", "send-broken", false},
		{"some", "send-mail", true},
		{"some", "resize", false},
		{"other", "send-mail", false},
	} {
		_, got := w.Runs(tt.queue, tt.name)
		require.Equal(t, tt.want, got, "%s on %s", tt.name, tt.queue)
	}
	busy, idle := w.LoadOf("resize"), w.LoadOf("send-mail")
	require.True(t, busy.Busy())
	require.False(t, idle.Busy())
}
