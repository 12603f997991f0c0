package turn

import (
	"sync"
	"time"
)

const (
	// A busy handler has work for ahead waiting for it, so that it is not idle while
	// more is fetched: between minHeld and maxHeld jobs of each queue.
	ahead   = 50 * time.Millisecond
	minHeld = 16
	maxHeld = 256
	// minLater and maxLater bound what a job is told to come again after. The
	// estimate behind it may be wrong, so it is not trusted for longer.
	minLater = 100 * time.Millisecond
	maxLater = 15 * time.Second
	// minPace is the least time between two jobs that come again.
	minPace = 20 * time.Microsecond
	// weight is how much a new duration counts in the average of all: an eighth.
	weight = 8
)

// Book keeps the lines before all handlers of a worker. The zero value is ready
// for use, and safe for concurrent use.
type Book struct {
	mu    sync.Mutex
	lines map[string]*line // guarded by mu; by handler
}

// line is what is known of one handler's jobs. The book's mu guards it.
type line struct {
	limit   int
	running int
	held    int
	waiting map[string][]*Ticket // by queue, in order
	queues  []string             // those with waiting tickets, whose turn comes first in front
	took    time.Duration        // moving average
	next    time.Time            // when the job that was sent away last comes again
}

// open is the Ready of tickets that never had to wait.
var open = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Ticket is a job's place in the line before its handler. It must be left.
type Ticket struct {
	book    *Book
	line    *line
	queue   string
	ready   chan struct{} // closed when the job may run
	granted bool          // guarded by the book's mu
	left    bool          // guarded by the book's mu
	began   time.Time     // guarded by the book's mu; when it was granted
}

// Join lines a job of a queue up before its handler, which runs limit jobs at
// once, any number for 0. If the handler is busy and the job may not be held, or
// enough are, there is no ticket, and later is when to come again.
func (b *Book) Join(handler, queue string, limit int, mayHold bool) (ticket *Ticket, later time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lines[handler]
	if l == nil {
		if b.lines == nil {
			b.lines = map[string]*line{}
		}
		l = &line{waiting: map[string][]*Ticket{}}
		b.lines[handler] = l
	}
	if l.limit != limit {
		l.limit = limit
		l.advance()
	}
	t := &Ticket{book: b, line: l, queue: queue}
	switch {
	case l.held == 0 && l.free():
		t.ready = open
		l.grant(t)
	case mayHold && len(l.waiting[queue]) < l.room():
		t.ready = make(chan struct{})
		l.hold(t)
	default:
		return nil, l.later(time.Now())
	}
	return t, 0
}

// Limit sets how many jobs each handler that has been joined runs at once.
func (b *Book) Limit(of func(handler string) int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, l := range b.lines {
		l.limit = of(name)
		l.advance()
	}
}

// Held returns how many jobs wait for each handler that lets some wait.
func (b *Book) Held() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	held := map[string]int{}
	for name, l := range b.lines {
		if l.held > 0 {
			held[name] = l.held
		}
	}
	return held
}

// Ready is closed when the job may run.
func (t *Ticket) Ready() <-chan struct{} { return t.ready }

// Granted reports whether the job may run.
func (t *Ticket) Granted() bool {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	return t.granted
}

// Leave gives the place up: the job has run, or will not. Further calls do nothing.
func (t *Ticket) Leave() {
	t.book.mu.Lock()
	defer t.book.mu.Unlock()
	if t.left {
		return
	}
	t.left = true
	if t.granted {
		t.line.ran(time.Since(t.began))
	} else {
		t.line.unhold(t)
	}
	t.line.advance()
}
