package live

import (
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/event"
)

// progressInterval is the least time between two progress messages of one job
// to one client: no eye sees more.
const progressInterval = 100 * time.Millisecond

type jobKey struct{ queue, id string }

// coalescer holds back progress messages that come too fast and keeps the
// newest of each job. Other messages pass, after the progress they follow.
type coalescer struct {
	jobs map[jobKey]*recentProgress
}

type recentProgress struct {
	sent    time.Time
	pending *event.Message // nil if nothing is held back
}

func newCoalescer() *coalescer { return &coalescer{jobs: map[jobKey]*recentProgress{}} }

// offer takes a message in and returns those to send now.
func (c *coalescer) offer(m *event.Message, now time.Time) []*event.Message {
	key := jobKey{m.Queue, m.JobID}
	recent := c.jobs[key]
	switch {
	case m.Type != bullmq.EventProgress:
		if recent == nil {
			return []*event.Message{m}
		}
		delete(c.jobs, key)
		if recent.pending == nil {
			return []*event.Message{m}
		}
		return []*event.Message{recent.pending, m}
	case recent == nil:
		c.jobs[key] = &recentProgress{sent: now}
		return []*event.Message{m}
	case recent.pending == nil && now.Sub(recent.sent) >= progressInterval:
		recent.sent = now
		return []*event.Message{m}
	default:
		recent.pending = m
		return nil
	}
}

// due returns the messages that have been held back long enough, and forgets
// jobs that have gone quiet.
func (c *coalescer) due(now time.Time) []*event.Message {
	var send []*event.Message
	for key, recent := range c.jobs {
		if now.Sub(recent.sent) < progressInterval {
			continue
		}
		if recent.pending == nil {
			delete(c.jobs, key)
			continue
		}
		send = append(send, recent.pending)
		recent.sent, recent.pending = now, nil
	}
	return send
}

// active reports whether [coalescer.due] has something to do in a while.
func (c *coalescer) active() bool { return len(c.jobs) > 0 }
