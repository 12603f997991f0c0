package peer

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

func handleAll(t *testing.T, tl *tally, indexes ...int) {
	t.Helper()
	for _, i := range indexes {
		data, err := json.Marshal(Data{Index: i})
		if err != nil {
			t.Fatal(err)
		}
		if err := tl.handle(data); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTallyFindsLostAndRepeatedJobs(t *testing.T) {
	tl := newTally(5, 0)
	handleAll(t, tl, 0, 1, 1, 4)
	got := tl.delivery()
	if got.Handled != 4 || got.Lost != 2 || got.Repeated != 1 {
		t.Errorf("delivery = %+v, want 4 handled, 2 lost, 1 repeated", got)
	}
}

func TestTallyAwaitsTheNumberOfJobs(t *testing.T) {
	tl := newTally(3, 0)
	handleAll(t, tl, 0)
	ended := make(chan error, 1)
	go func() { ended <- tl.await(t.Context(), 3) }()
	handleAll(t, tl, 1, 2)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := tl.await(ctx, 4); err == nil {
		t.Error("a job that never comes was awaited without an error")
	}
}

func TestLatencyCountsFromWhenTheJobWasDue(t *testing.T) {
	tl := newTally(1, 0)
	data, err := json.Marshal(Data{Due: time.Now().Add(-time.Second).UnixMicro()})
	if err != nil {
		t.Fatal(err)
	}
	if err := tl.handle(data); err != nil {
		t.Fatal(err)
	}
	if got := tl.delivery().Latencies; len(got) != 1 || got[0] < 1_000_000 {
		t.Errorf("latencies = %v, want one of at least a second", got)
	}
}
