package runtime

import "sync"

// outbox collects lines for one writer, so that senders never wait for a child
// that does not read, and lines that gather meanwhile go out in one write. What
// it holds is bounded by the number of jobs given to the child.
type outbox struct {
	mu     *sync.Mutex
	filled *sync.Cond
	lines  []byte // guarded by mu
	closed bool   // guarded by mu
}

func newOutbox() outbox {
	mu := new(sync.Mutex)
	return outbox{mu: mu, filled: sync.NewCond(mu)}
}

func (o *outbox) put(line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.lines = append(o.lines, line...)
		o.filled.Signal()
	}
}

// take waits for lines and returns all there are; it reports false once the
// outbox is closed and empty.
func (o *outbox) take() ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.lines) == 0 && !o.closed {
		o.filled.Wait()
	}
	lines := o.lines
	o.lines = nil
	return lines, len(lines) > 0
}

// close lets the writer end after what is there.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.filled.Broadcast()
}
