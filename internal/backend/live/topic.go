package live

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/event"
)

// maxTopicBytes is the longest topic that is read.
const maxTopicBytes = 1024

type topicKind int

const (
	topicQueue topicKind = iota
	topicJob
	topicQueues
	topicStats
)

// topic is something a client can subscribe to.
type topic struct {
	kind  topicKind
	queue string
	job   string
}

// parseTopic reads a topic as clients write it.
func parseTopic(text string) (topic, error) {
	if len(text) > maxTopicBytes {
		return topic{}, fmt.Errorf("a topic has at most %d bytes", maxTopicBytes)
	}
	switch kind, rest, _ := strings.Cut(text, ":"); kind {
	case "queues", "stats":
		if rest != "" {
			break
		}
		if kind == "stats" {
			return topic{kind: topicStats}, nil
		}
		return topic{kind: topicQueues}, nil
	case "queue":
		if rest != "" {
			return topic{kind: topicQueue, queue: unescape(rest)}, nil
		}
	case "job":
		queue, job, _ := strings.Cut(rest, "/")
		if queue != "" && job != "" {
			return topic{kind: topicJob, queue: unescape(queue), job: unescape(job)}, nil
		}
	}
	return topic{}, errors.New("a topic is queue:NAME, job:QUEUE/ID, queues or stats")
}

// unescape undoes percent-encoding where there is some.
func unescape(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// allowed reports whether the principal may subscribe to the topic.
func (t topic) allowed(p *auth.Principal) bool {
	switch t.kind {
	case topicQueue, topicJob:
		return p.Has(auth.JobsRead) && p.SeesQueue(t.queue)
	default:
		return p.Has(auth.QueuesRead)
	}
}

// topics are what one client has subscribed to, with the text it used for each.
type topics map[topic]string

// want reports whether a client of these topics is sent the message. It costs
// the same however many topics there are. Topics of single queues were checked
// when they were subscribed to.
func (ts topics) want(m *event.Message, p *auth.Principal) bool {
	if _, ok := ts[topic{kind: topicQueue, queue: m.Queue}]; ok {
		return true
	}
	if m.JobID == "" {
		_, ok := ts[topic{kind: topicQueues}]
		return ok && p.SeesQueue(m.Queue)
	}
	_, ok := ts[topic{kind: topicJob, queue: m.Queue, job: m.JobID}]
	return ok
}
