package event

import (
	"context"
	"errors"
)

// ErrClosed says that the hub has stopped.
var ErrClosed = errors.New("event hub is closed")

// Position is where a subscription begins.
type Position struct {
	// Epoch is the [Hub.Epoch] that Seq belongs to. Empty accepts any number that
	// this hub still has.
	Epoch string
	// Seq is the last message that was seen. 0 begins with the next message.
	Seq uint64
}

// Subscription reads the messages of a hub from some point on. One goroutine
// uses it at a time; it must be closed.
type Subscription struct {
	hub    *Hub
	keep   func(*Message) bool
	cursor uint64
	missed bool
	ready  chan struct{}
	done   chan struct{}
}

// Subscribe begins a subscription of the messages that keep accepts, nil for all.
// It is called under the hub's lock and must be quick and call nothing of the hub.
//
// With a position whose messages are gone, the subscription begins with the next
// message and its first [Subscription.Take] reports missed ones.
func (h *Hub) Subscribe(from Position, keep func(*Message) bool) *Subscription {
	s := &Subscription{hub: h, keep: keep, ready: make(chan struct{}, 1), done: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.cursor = h.ring.next
	if from.Seq != 0 {
		if h.reaches(from) {
			s.cursor = from.Seq + 1
		} else {
			s.missed = true
		}
		s.wake()
	}
	if h.closed {
		s.end()
	} else {
		h.subs[s] = struct{}{}
	}
	return s
}

// reaches reports whether every message after from is still in the ring. The caller holds mu.
func (h *Hub) reaches(from Position) bool {
	return (from.Epoch == "" || from.Epoch == h.epoch) && from.Seq+1 >= h.ring.first && from.Seq < h.ring.next
}

// Ready receives a value when [Subscription.Take] may have something.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Done is closed when the hub has stopped.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Take returns at most limit of the messages that have come, oldest first, and
// whether some before them were lost because they were not taken in time. It
// does not wait; if there is more to take, Ready says so.
func (s *Subscription) Take(limit int) (messages []*Message, missed bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	messages, next, lost := s.hub.ring.after(s.cursor, limit, s.keep)
	s.cursor = next
	missed, s.missed = s.missed || lost > 0, false
	if next < s.hub.ring.next {
		s.wake()
	}
	return messages, missed
}

// Next waits for messages and takes at most limit of them. It returns
// [ErrClosed] when the hub has stopped, or the error of ctx.
func (s *Subscription) Next(ctx context.Context, limit int) (messages []*Message, missed bool, err error) {
	for {
		if messages, missed = s.Take(limit); len(messages) > 0 || missed {
			return messages, missed, nil
		}
		select {
		case <-s.ready:
		case <-s.done:
			return nil, false, ErrClosed
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// Backlog returns the messages after a position that keep accepts, up to the
// place where the subscription is. Ok is false if some of them are gone.
func (s *Subscription) Backlog(from Position, keep func(*Message) bool) (messages []*Message, ok bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if !s.hub.reaches(from) {
		return nil, false
	}
	r := s.hub.ring
	messages, _, _ = r.after(from.Seq+1, len(r.slots), func(m *Message) bool { return m.Seq < s.cursor && keep(m) })
	return messages, true
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}

func (s *Subscription) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (s *Subscription) end() { close(s.done) }
