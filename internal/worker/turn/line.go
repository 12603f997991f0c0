package turn

import (
	"math/rand/v2"
	"slices"
	"time"
)

func (l *line) free() bool { return l.limit == 0 || l.running < l.limit }

func (l *line) grant(t *Ticket) {
	l.running++
	t.granted, t.began = true, time.Now()
	if t.ready != open {
		close(t.ready)
	}
}

func (l *line) ran(took time.Duration) {
	l.running--
	if l.took == 0 {
		l.took = took
	}
	l.took += (took - l.took) / weight
}

func (l *line) hold(t *Ticket) {
	if len(l.waiting[t.queue]) == 0 {
		l.queues = append(l.queues, t.queue)
	}
	l.waiting[t.queue] = append(l.waiting[t.queue], t)
	l.held++
}

func (l *line) unhold(t *Ticket) {
	list := l.waiting[t.queue]
	i := slices.Index(list, t)
	if i < 0 {
		return
	}
	l.held--
	list = slices.Delete(list, i, i+1)
	if len(list) > 0 {
		l.waiting[t.queue] = list
		return
	}
	delete(l.waiting, t.queue)
	l.queues = slices.DeleteFunc(l.queues, func(q string) bool { return q == t.queue })
}

// advance lets held jobs run as far as the limit allows, one queue after the other.
func (l *line) advance() {
	for l.free() && len(l.queues) > 0 {
		queue := l.queues[0]
		t := l.waiting[queue][0]
		l.unhold(t)
		if len(l.waiting[queue]) > 0 {
			l.queues = append(l.queues[1:], queue)
		}
		l.grant(t)
	}
}

// pace is how often the handler is done with a job.
func (l *line) pace() time.Duration { return l.took / time.Duration(max(l.limit, 1)) }

// room is how many jobs of a queue may be held: few, until it is known how long
// one takes.
func (l *line) room() int {
	if l.took == 0 {
		return max(minHeld, l.limit)
	}
	n := int(ahead / max(l.pace(), time.Microsecond))
	return max(min(n, maxHeld), minHeld, l.limit)
}

// later plans the return of a job that could not be held: after those that are
// held and those that were sent away before it. Jobs come back somewhat faster
// than the handler gets through them: those that are too many cost another
// detour, but a handler without work would cost time.
func (l *line) later(now time.Time) time.Duration {
	pace := l.pace() * 3 / 4
	first := now.Add(pace * time.Duration(l.held))
	if l.next.Before(first) {
		l.next = first
	}
	l.next = l.next.Add(max(pace, minPace))
	if last := now.Add(maxLater); l.next.After(last) {
		l.next = last
	}
	d := max(l.next.Sub(now), minLater)
	// Jobs beyond the longest wait would all come at once.
	return d - rand.N(d/4) //nolint:gosec // spreads load, hides nothing
}
