package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/event"
)

func newHub(t *testing.T, opts event.Options) *event.Hub {
	t.Helper()
	opts.Discover = -1
	hub, err := event.New(nil, opts)
	require.NoError(t, err)
	return hub
}

func publish(h *event.Hub, n int) {
	for i := range n {
		h.Publish(&event.Message{Type: "added", Queue: "mail", JobID: fmt.Sprint(i)})
	}
}

func TestSlowSubscriberIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	hub := newHub(t, event.Options{History: 10})
	s := hub.Subscribe(event.Position{}, nil)
	defer s.Close()

	publish(hub, 25)
	messages, missed := s.Take(100)
	require.True(t, missed)
	require.Len(t, messages, 10)
	require.Equal(t, "15", messages[0].JobID)

	publish(hub, 3)
	messages, missed = s.Take(100)
	require.False(t, missed)
	require.Len(t, messages, 3)
}

func TestTakeGivesTheRestLater(t *testing.T) {
	t.Parallel()
	hub := newHub(t, event.Options{})
	s := hub.Subscribe(event.Position{}, nil)
	defer s.Close()
	publish(hub, 5)
	for _, want := range []int{2, 2, 1} {
		<-s.Ready()
		messages, _ := s.Take(2)
		require.Len(t, messages, want)
	}
	messages, missed := s.Take(2)
	require.Empty(t, messages)
	require.False(t, missed)
}

func TestHistoryIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	hub := newHub(t, event.Options{History: 1000, HistoryBytes: 100_000})
	s := hub.Subscribe(event.Position{}, nil)
	defer s.Close()
	value := json.RawMessage(`"` + strings.Repeat("x", 10_000) + `"`)
	for range 50 {
		hub.Publish(&event.Message{Type: "progress", Queue: "mail", JobID: "1", Progress: value})
	}
	messages, missed := s.Take(1000)
	require.True(t, missed)
	require.Len(t, messages, 4)
}

func TestResumeGoesOnAfterTheLastSeenMessage(t *testing.T) {
	t.Parallel()
	hub := newHub(t, event.Options{History: 10})
	first := hub.Subscribe(event.Position{}, nil)
	publish(hub, 8)
	messages, _ := first.Take(5)
	first.Close()
	seen := messages[4].Seq

	tests := map[string]struct {
		from   event.Position
		want   string
		missed bool
	}{
		"same process":         {from: event.Position{Epoch: hub.Epoch(), Seq: seen}, want: "5"},
		"no epoch":             {from: event.Position{Seq: seen}, want: "5"},
		"other process":        {from: event.Position{Epoch: "other", Seq: seen}, missed: true},
		"number of an old one": {from: event.Position{Seq: 7}, missed: true},
		"number to come":       {from: event.Position{Seq: seen + 100}, missed: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := hub.Subscribe(tt.from, nil)
			defer s.Close()
			<-s.Ready()
			messages, missed := s.Take(100)
			require.Equal(t, tt.missed, missed)
			if tt.missed {
				require.Empty(t, messages)
				return
			}
			require.Len(t, messages, 3)
			require.Equal(t, tt.want, messages[0].JobID)
		})
	}
}

func TestBacklogEndsWhereTheSubscriptionIs(t *testing.T) {
	t.Parallel()
	hub := newHub(t, event.Options{History: 10})
	start := hub.LastSeq()
	s := hub.Subscribe(event.Position{}, nil)
	defer s.Close()
	publish(hub, 6)
	_, _ = s.Take(4)

	even := func(m *event.Message) bool { return m.JobID == "2" || m.JobID == "4" }
	messages, ok := s.Backlog(event.Position{Epoch: hub.Epoch(), Seq: start}, even)
	require.True(t, ok)
	require.Len(t, messages, 1)
	require.Equal(t, "2", messages[0].JobID)

	_, ok = s.Backlog(event.Position{Epoch: "other", Seq: start}, even)
	require.False(t, ok)
}

func TestSubscriptionEndsWithTheHub(t *testing.T) {
	t.Parallel()
	b := setup(t, event.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s := b.hub.Subscribe(event.Position{}, nil)
	defer s.Close()
	cancel()
	require.NoError(t, b.hub.Run(ctx))
	_, _, err := s.Next(t.Context(), 1)
	require.ErrorIs(t, err, event.ErrClosed)
	late := b.hub.Subscribe(event.Position{}, nil)
	defer late.Close()
	_, _, err = late.Next(t.Context(), 1)
	require.ErrorIs(t, err, event.ErrClosed)
}

func TestManySubscribersSeeEveryMessage(t *testing.T) {
	t.Parallel()
	hub := newHub(t, event.Options{})
	const subscribers, messages = 8, 2000
	var wg sync.WaitGroup
	for range subscribers {
		s := hub.Subscribe(event.Position{}, nil)
		wg.Go(func() {
			defer s.Close()
			for got := 0; got < messages; {
				batch, missed, err := s.Next(t.Context(), 64)
				if err != nil || missed {
					t.Errorf("after %d messages: missed %v, error %v", got, missed, err)
					return
				}
				for _, m := range batch {
					_ = m.JSON()
				}
				got += len(batch)
			}
		})
	}
	publish(hub, messages)
	wg.Wait()
}
