package turn

import (
	"context"
	"slices"
	"sync"
)

// Seats bounds how many jobs of a queue run at once when some that were held
// come back in. It is safe for concurrent use.
type Seats struct {
	mu      sync.Mutex
	total   int             // guarded by mu
	taken   int             // guarded by mu
	waiting []chan struct{} // guarded by mu
}

// NewSeats returns a number of seats, all free.
func NewSeats(total int) *Seats { return &Seats{total: total} }

// Take waits for a seat and takes it, or returns the context's error.
func (s *Seats) Take(ctx context.Context) error {
	s.mu.Lock()
	if s.taken < s.total && len(s.waiting) == 0 {
		s.taken++
		s.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	s.waiting = append(s.waiting, mine)
	s.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, mine); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else {
		s.taken-- // it was given this moment
		s.fillLocked()
	}
	return ctx.Err()
}

// Leave frees a seat.
func (s *Seats) Leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.fillLocked()
}

// Resize changes how many seats there are. Those that are taken stay so.
func (s *Seats) Resize(total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total = total
	s.fillLocked()
}

// Taken returns how many seats are taken.
func (s *Seats) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

func (s *Seats) fillLocked() {
	for s.taken < s.total && len(s.waiting) > 0 {
		s.taken++
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}
