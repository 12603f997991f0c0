package linerpc

import "sync"

// outbox collects lines for one writer, so that senders never wait for a peer
// that does not read, and lines that gather meanwhile go out in one write. What
// it holds is bounded by what its owner has under way.
type outbox struct {
	mu     sync.Mutex
	filled sync.Cond
	lines  []byte // guarded by mu
	spare  []byte // guarded by mu; the buffer written before, to be filled again
	closed bool   // guarded by mu
}

// maxSpare is the largest buffer that is kept for the next lines.
const maxSpare = 1 << 20

func (o *outbox) init() { o.filled.L = &o.mu }

// put adds what write appends to the lines.
func (o *outbox) put(write func(lines []byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.lines = write(o.lines)
		o.filled.Signal()
	}
}

// take waits for lines and returns all there are, valid until the next take; it
// reports false once the outbox is closed and empty.
func (o *outbox) take() ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.lines) == 0 && !o.closed {
		o.filled.Wait()
	}
	lines := o.lines
	o.lines, o.spare = o.spare[:0], nil
	if cap(lines) <= maxSpare {
		o.spare = lines
	}
	return lines, len(lines) > 0
}

// close lets the writer end after what is there.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.filled.Broadcast()
}
