package event

// ring keeps the newest messages, bounded in number and in bytes. The message
// with number seq has the place seq modulo the ring's length.
type ring struct {
	slots    []*Message
	maxBytes int
	bytes    int
	// first is the oldest number that is kept, next the one that comes; equal when empty.
	first, next uint64
}

func newRing(length, maxBytes int, start uint64) *ring {
	return &ring{slots: make([]*Message, length), maxBytes: maxBytes, first: start, next: start}
}

// push numbers m and stores it in place of the oldest ones.
func (r *ring) push(m *Message) {
	m.Seq = r.next
	if r.next-r.first == uint64(len(r.slots)) {
		r.evict()
	}
	r.slots[r.next%uint64(len(r.slots))] = m
	r.next++
	r.bytes += m.size()
	for r.bytes > r.maxBytes && r.next-r.first > 1 {
		r.evict()
	}
}

func (r *ring) evict() {
	slot := &r.slots[r.first%uint64(len(r.slots))]
	r.bytes -= (*slot).size()
	*slot = nil
	r.first++
}

// after returns the messages from number cursor on which keep accepts, at most
// limit of them, the cursor to go on from, and how many were gone already.
func (r *ring) after(cursor uint64, limit int, keep func(*Message) bool) (found []*Message, next, missed uint64) {
	if cursor < r.first {
		missed = r.first - cursor
		cursor = r.first
	}
	for ; cursor < r.next && len(found) < limit; cursor++ {
		if m := r.slots[cursor%uint64(len(r.slots))]; keep == nil || keep(m) {
			found = append(found, m)
		}
	}
	return found, cursor, missed
}
