package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// tally records how often each job was handled, and how late.
type tally struct {
	hold    time.Duration
	seen    []atomic.Int32
	handled atomic.Int64

	mu        sync.Mutex
	latencies []int64       // guarded by mu
	reached   chan struct{} // guarded by mu
	target    atomic.Int64  // closes reached
}

func newTally(jobs int, hold time.Duration) *tally {
	t := &tally{hold: hold, seen: make([]atomic.Int32, jobs)}
	t.target.Store(-1)
	return t
}

// handle is the handler of every job.
func (t *tally) handle(data []byte) error {
	now := time.Now().UnixMicro()
	var d Data
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	if t.hold > 0 {
		time.Sleep(t.hold)
	}
	if d.Due > 0 {
		t.mu.Lock()
		t.latencies = append(t.latencies, now-d.Due)
		t.mu.Unlock()
	}
	t.seen[d.Index].Add(1)
	if t.handled.Add(1) == t.target.Load() {
		t.arrive()
	}
	return nil
}

func (t *tally) arrive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reached != nil {
		close(t.reached)
		t.reached = nil
	}
}

// await returns once that many jobs have been handled.
func (t *tally) await(ctx context.Context, handled int) error {
	t.mu.Lock()
	reached := make(chan struct{})
	t.reached = reached
	t.mu.Unlock()
	t.target.Store(int64(handled))
	if t.handled.Load() >= int64(handled) {
		return nil
	}
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d of %d jobs were handled: %w", t.handled.Load(), handled, ctx.Err())
	}
}

func (t *tally) delivery() Delivery {
	d := Delivery{Handled: int(t.handled.Load()), Latencies: t.latencies}
	for i := range t.seen {
		switch n := t.seen[i].Load(); {
		case n == 0:
			d.Lost++
		case n > 1:
			d.Repeated++
		}
	}
	return d
}
