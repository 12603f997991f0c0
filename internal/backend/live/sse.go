package live

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/request"
)

// Events serves GET /api/v1/events: the same messages as server-sent events.
// The query has one or more topics, separated by commas or repeated. A client
// that comes back with Last-Event-ID goes on where it was.
func (s *Server) Events(w http.ResponseWriter, r *http.Request) {
	p := s.admit(w, r)
	if p == nil {
		return
	}
	defer s.leave()
	out := &eventStream{
		w: w, control: http.NewResponseController(w), epoch: s.hub.Epoch(), timeout: s.opts.WriteTimeout,
	}
	ss := s.newSession(r, p, out)
	defer ss.close()

	subscribe := command{Topics: queryTopics(r)}
	subscribe.Epoch, subscribe.Since = parseEventID(r.Header.Get("Last-Event-ID"))
	if err := ss.checkTopics(subscribe.Topics); err != nil {
		problem.Write(w, request.From(r.Context()).ID, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or nginx holds events back
	w.WriteHeader(http.StatusOK)

	ctx, cancel := s.bound(r.Context())
	defer cancel(nil)
	if err := ss.subscribe(ctx, subscribe); err == nil {
		_ = ss.run(ctx, nil) // the stream just ends; a client comes back by itself
	}
}

func queryTopics(r *http.Request) []string {
	var list []string
	for _, value := range r.URL.Query()["topics"] {
		for text := range strings.SplitSeq(value, ",") {
			if text = strings.TrimSpace(text); text != "" {
				list = append(list, text)
			}
		}
	}
	return list
}

// checkTopics refuses the request if any of its topics would be.
func (ss *session) checkTopics(texts []string) error {
	if len(texts) == 0 {
		return problem.Field(http.StatusUnprocessableEntity, codeInvalidTopic, "query.topics",
			"Name the topics to follow, such as topics=queue:mail,stats.")
	}
	_, refused := ss.add(texts)
	if len(refused) == 0 {
		return nil
	}
	status := http.StatusUnprocessableEntity
	if refused[0].Code == codeForbidden {
		status = http.StatusForbidden
	}
	p := problem.New(status, refused[0].Code, refused[0].Message)
	for _, f := range refused {
		_ = p.At("query.topics", f.Topics[0]+": "+f.Message)
	}
	return p
}

// An event id is "<epoch>.<seq>".
func parseEventID(id string) (epoch string, seq uint64) {
	epoch, number, _ := strings.Cut(id, ".")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch == "" {
		return "", 0
	}
	return epoch, seq
}

// eventStream is the transport of a session over server-sent events.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	epoch   string
	timeout time.Duration
}

func (t *eventStream) send(_ context.Context, seq uint64, text []byte) error {
	var b bytes.Buffer
	if seq != 0 {
		fmt.Fprintf(&b, "id: %s.%d\n", t.epoch, seq)
	}
	fmt.Fprintf(&b, "data: %s\n\n", text)
	return t.write(b.Bytes())
}

// keepAlive sends a comment, which shows whether the client is still there and
// keeps proxies from closing a quiet stream.
func (t *eventStream) keepAlive() error { return t.write([]byte(": alive\n\n")) }

func (t *eventStream) write(text []byte) error {
	if err := t.control.SetWriteDeadline(time.Now().Add(t.timeout)); err != nil {
		return err
	}
	if _, err := t.w.Write(text); err != nil {
		return err
	}
	return t.control.Flush()
}
