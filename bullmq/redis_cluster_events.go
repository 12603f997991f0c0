package bullmq

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// clusterEventSource reads streams of a Redis Cluster, where one command takes
// streams of one slot only: there is a connection for each hash tag, which goes
// on waiting while [clusterEventSource.Read] returns what another one brought.
// Events of queues with different tags may come out of order.
type clusterEventSource struct {
	client rueidis.Client
	name   string

	// The reads under way end with this context.
	background context.Context
	cancel     context.CancelFunc
	reads      sync.WaitGroup
	results    chan tagRead
	tags       map[string]*tagReader // used by Read only
}

// tagReader reads the streams of the queues that have one hash tag.
type tagReader struct {
	conn blockingConn
	// after is from where the read under way reads; nil if there is none.
	after    map[QueueRef]string
	failures int
}

type tagRead struct {
	tag    *tagReader
	events []Event
	err    error
}

func newClusterEventSource(client rueidis.Client, name string) *clusterEventSource {
	s := &clusterEventSource{client: client, name: name, results: make(chan tagRead), tags: map[string]*tagReader{}}
	s.background, s.cancel = context.WithCancel(context.Background())
	return s
}

// Read implements [EventSource].
func (s *clusterEventSource) Read(ctx context.Context, after map[QueueRef]string, block time.Duration) ([]Event, error) {
	s.start(after, block)
	select {
	case first := <-s.results:
		return s.collect(first, after)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.background.Done():
		return nil, ErrClosed
	}
}

// start begins a read for every tag that has none under way, and forgets the
// tags that no queue has any longer.
func (s *clusterEventSource) start(after map[QueueRef]string, block time.Duration) {
	byTag := map[string]map[QueueRef]string{}
	for q, id := range after {
		tag := q.hashTag()
		if byTag[tag] == nil {
			byTag[tag] = map[QueueRef]string{}
		}
		byTag[tag][q] = id
	}
	for tag, positions := range byTag {
		reader := s.tags[tag]
		if reader == nil {
			reader = &tagReader{conn: blockingConn{client: s.client, name: s.name, key: "{" + tag + "}"}}
			s.tags[tag] = reader
		}
		if reader.after == nil {
			reader.after = positions
			s.reads.Go(func() { s.read(reader, positions, block, reader.failures) })
		}
	}
	for tag, reader := range s.tags {
		if reader.after == nil && byTag[tag] == nil {
			reader.conn.Close()
			delete(s.tags, tag)
		}
	}
}

// read does one read, after a pause if the tag's last one failed, so that a node
// that is gone does not hold up the others.
func (s *clusterEventSource) read(reader *tagReader, after map[QueueRef]string, block time.Duration, failures int) {
	if failures > 0 {
		sleep(s.background, retryDelay(failures))
	}
	events, err := reader.conn.readStreams(s.background, after, block)
	select {
	case s.results <- tagRead{reader, events, err}:
	case <-s.background.Done():
	}
}

// collect takes a result and all others that are there by now. Errors count
// only if there are no events: the failed read is repeated anyway.
func (s *clusterEventSource) collect(read tagRead, after map[QueueRef]string) (events []Event, err error) {
	for {
		events = append(events, read.wanted(after)...)
		read.tag.after = nil
		read.tag.failures++
		if read.err == nil {
			read.tag.failures = 0
		} else {
			err = read.err
		}
		select {
		case read = <-s.results:
			continue
		default:
		}
		break
	}
	if len(events) > 0 {
		err = nil
	}
	sortEvents(events)
	return events, err
}

// wanted leaves out the events of queues that are no longer followed, or from
// elsewhere, since the read began.
func (t *tagRead) wanted(after map[QueueRef]string) []Event {
	var events []Event
	for i := range t.events {
		q := t.events[i].Queue
		if id, followed := after[q]; followed && id == t.tag.after[q] {
			events = append(events, t.events[i])
		}
	}
	return events
}

// Close ends the reads under way and waits for them.
func (s *clusterEventSource) Close() {
	s.cancel()
	s.reads.Wait()
	for _, reader := range s.tags {
		reader.conn.Close()
	}
}
