package live

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/event"
)

// batch is how many messages a session takes from the hub at a time.
const batch = 256

// transport carries a session's frames to its client.
type transport interface {
	// send writes one frame. Seq is that of a queue's message, otherwise 0.
	send(ctx context.Context, seq uint64, text []byte) error
	// keepAlive is called now and then and must not wait for the client.
	keepAlive() error
}

// session is one client's connection, whatever carries it. Its methods are
// called from one goroutine.
type session struct {
	server    *Server
	request   *http.Request
	out       transport
	principal *auth.Principal
	topics    topics
	sub       *event.Subscription
	progress  *coalescer
	stats     *statsWatch // nil unless subscribed to stats
}

// newSession begins a session without topics. It must be closed.
func (s *Server) newSession(r *http.Request, p *auth.Principal, out transport) *session {
	ss := &session{server: s, request: r, out: out, principal: p, topics: topics{}, progress: newCoalescer()}
	ss.sub = s.hub.Subscribe(event.Position{}, func(m *event.Message) bool { return ss.topics.want(m, ss.principal) })
	return ss
}

func (ss *session) close() {
	ss.sub.Close()
	ss.stats.close()
}

// run serves the session until it ends, and returns why.
func (ss *session) run(ctx context.Context, commands <-chan command) error {
	recheck := time.NewTicker(ss.server.opts.Recheck)
	defer recheck.Stop()
	heartbeat := time.NewTicker(ss.server.opts.Heartbeat)
	defer heartbeat.Stop()
	var flush <-chan time.Time // set while progress is held back
	for {
		if flush == nil && ss.progress.active() {
			flush = time.After(progressInterval)
		}
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ss.sub.Done():
			return errStopping
		case c := <-commands:
			err = ss.handle(ctx, c)
		case <-ss.sub.Ready():
			err = ss.forward(ctx)
		case <-flush:
			flush = nil
			err = ss.sendAll(ctx, ss.progress.due(time.Now()))
		case <-ss.stats.changed():
			err = ss.sendStats(ctx)
		case <-recheck.C:
			err = ss.recheck(ctx)
		case <-heartbeat.C:
			err = ss.out.keepAlive()
		}
		if err != nil {
			return err
		}
	}
}

// forward sends what has come since the last call.
func (ss *session) forward(ctx context.Context) error {
	messages, missed := ss.sub.Take(batch)
	if missed {
		// What is held back is from before the gap, and the client will load anew.
		ss.progress = newCoalescer()
		if err := ss.sendFrame(ctx, ss.resync()); err != nil {
			return err
		}
	}
	now := time.Now()
	for _, m := range messages {
		if err := ss.sendAll(ctx, ss.progress.offer(m, now)); err != nil {
			return err
		}
	}
	return nil
}

func (ss *session) resync() *frame {
	return &frame{Type: "resync", Epoch: ss.server.hub.Epoch(), Seq: ss.server.hub.LastSeq()}
}

// recheck asks again who the client is, so that credentials that expired or
// were revoked end the connection and lost permissions end their topics.
func (ss *session) recheck(ctx context.Context) error {
	p, err := ss.server.auth.Authenticate(ss.request)
	if err != nil {
		return errUnauthorized
	}
	ss.principal = p
	var lost []string
	for t, text := range ss.topics {
		if !t.allowed(p) {
			lost = append(lost, text)
			ss.drop(t)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	slices.Sort(lost)
	return ss.sendFrame(ctx, &frame{Type: "error", Code: codeForbidden, Topics: lost, Message: "You may not see this any more."})
}

// handle answers one command.
func (ss *session) handle(ctx context.Context, c command) error {
	switch {
	case c.err != nil:
		return ss.sendFrame(ctx, &frame{Type: "error", Code: codeBadMessage, Message: c.err.Error()})
	case c.Type == "ping":
		return ss.sendFrame(ctx, &frame{Type: "pong", Seq: ss.server.hub.LastSeq()})
	case c.Type == "subscribe":
		return ss.subscribe(ctx, c)
	case c.Type == "unsubscribe":
		for _, text := range c.Topics {
			if t, err := parseTopic(text); err == nil {
				ss.drop(t)
			}
		}
		return ss.sendFrame(ctx, &frame{Type: "unsubscribed", Topics: c.Topics})
	}
	return ss.sendFrame(ctx, &frame{
		Type: "error", Code: codeBadMessage, Message: "type is subscribe, unsubscribe or ping",
	})
}

// subscribe adds the topics that are allowed, refuses the others, and sends
// what the client missed of the new ones.
func (ss *session) subscribe(ctx context.Context, c command) error {
	added, refused := ss.add(c.Topics)
	for _, f := range refused {
		if err := ss.sendFrame(ctx, f); err != nil {
			return err
		}
	}
	if len(added) == 0 {
		return nil
	}
	var backlog []*event.Message
	complete := true
	if c.Since != 0 {
		backlog, complete = ss.sub.Backlog(event.Position{Epoch: c.Epoch, Seq: c.Since}, func(m *event.Message) bool {
			return added.want(m, ss.principal) && !ss.topics.want(m, ss.principal)
		})
	}
	accepted := slices.Sorted(maps.Values(added))
	maps.Copy(ss.topics, added)
	if err := ss.sendFrame(ctx, &frame{
		Type: "subscribed", Topics: accepted, Epoch: ss.server.hub.Epoch(), Seq: ss.server.hub.LastSeq(),
	}); err != nil {
		return err
	}
	if !complete {
		if err := ss.sendFrame(ctx, ss.resync()); err != nil {
			return err
		}
	}
	if _, ok := added[topic{kind: topicStats}]; ok {
		ss.stats = ss.server.stats.watch()
	}
	return ss.sendAll(ctx, backlog)
}

// add parses and checks topics. Those that the session has already are left out.
func (ss *session) add(texts []string) (added topics, refused []*frame) {
	added = topics{}
	refuse := func(text, code, message string) {
		refused = append(refused, &frame{Type: "error", Code: code, Topics: []string{text}, Message: message})
	}
	for _, text := range texts {
		t, err := parseTopic(text)
		if _, has := ss.topics[t]; has && err == nil {
			continue
		}
		switch {
		case err != nil:
			refuse(text[:min(len(text), 64)], codeInvalidTopic, err.Error())
		case !t.allowed(ss.principal):
			refuse(text, codeForbidden, "You may not see this.")
		case len(ss.topics)+len(added) >= maxTopics:
			refuse(text, codeTooManyTopics, fmt.Sprintf("A connection has at most %d topics.", maxTopics))
			return added, refused
		default:
			added[t] = text
		}
	}
	return added, refused
}

func (ss *session) drop(t topic) {
	delete(ss.topics, t)
	if t.kind == topicStats {
		ss.stats.close()
		ss.stats = nil
	}
}

func (ss *session) sendStats(ctx context.Context) error {
	queues := ss.stats.take(ss.principal.SeesQueue)
	if len(queues) == 0 {
		return nil
	}
	return ss.sendFrame(ctx, &frame{Type: "stats", TS: time.Now().UnixMilli(), Queues: queues})
}

func (ss *session) sendAll(ctx context.Context, messages []*event.Message) error {
	for _, m := range messages {
		if err := ss.out.send(ctx, m.Seq, m.JSON()); err != nil {
			return err
		}
	}
	return nil
}

func (ss *session) sendFrame(ctx context.Context, f *frame) error {
	return ss.out.send(ctx, 0, f.encode())
}
