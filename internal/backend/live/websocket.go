package live

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

const (
	// maxCommandBytes is the largest message a client may send.
	maxCommandBytes = 64 << 10
	// A client may send this many commands a second, after a burst; the rest wait.
	commandRate, commandBurst = 20, 100
)

var errNoPong = errors.New("the client did not answer a ping")

// WebSocket serves GET /api/v1/live.
func (s *Server) WebSocket(w http.ResponseWriter, r *http.Request) {
	p := s.admit(w, r)
	if p == nil {
		return
	}
	defer s.leave()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: s.opts.Origins})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(maxCommandBytes)

	// The request's own context means nothing once its connection is taken over.
	ctx, cancel := s.bound(context.WithoutCancel(r.Context()))
	defer cancel(nil)
	commands := make(chan command)
	pings := make(chan struct{}, 1)
	var helpers sync.WaitGroup
	helpers.Go(func() { cancel(readCommands(ctx, conn, commands)) })
	helpers.Go(func() { cancel(s.ping(ctx, conn, pings)) })
	ss := s.newSession(r, p, &webSocket{conn: conn, pings: pings, timeout: s.opts.WriteTimeout})
	defer ss.close()
	err = ss.sendFrame(ctx, &frame{Type: "hello", Epoch: s.hub.Epoch(), Seq: s.hub.LastSeq()})
	if err == nil {
		err = ss.run(ctx, commands)
	}
	cancel(err)
	s.closeWebSocket(ctx, conn, err)
	helpers.Wait()
}

// closeWebSocket tells the client why the session ended, if it is still there.
func (s *Server) closeWebSocket(ctx context.Context, conn *websocket.Conn, reason error) {
	switch {
	case errors.Is(reason, errStopping):
		_ = conn.Close(websocket.StatusGoingAway, errStopping.Error())
	case errors.Is(reason, errUnauthorized):
		_ = conn.Close(websocket.StatusPolicyViolation, errUnauthorized.Error())
	default:
		s.opts.Logger.DebugContext(ctx, "live connection ended", slog.Any("reason", reason))
		_ = conn.CloseNow()
	}
}

// readCommands hands a client's messages on, one at a time, until the
// connection ends or ctx does.
func readCommands(ctx context.Context, conn *websocket.Conn, commands chan<- command) error {
	limit := rate.NewLimiter(commandRate, commandBurst)
	for {
		// The read is not bound to ctx: that would cut the connection before the
		// client is told why. Closing the connection ends it.
		kind, text, err := conn.Read(context.WithoutCancel(ctx))
		if err != nil {
			return err
		}
		c := command{err: errors.New("messages are text")}
		if kind == websocket.MessageText {
			c = decodeCommand(text)
		}
		if err := limit.Wait(ctx); err != nil {
			return err
		}
		select {
		case commands <- c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ping asks for a sign of life each time it is told to, and returns when none
// comes. It has a goroutine of its own, for a session that waited for the answer would
// not take the commands that stand before it.
func (s *Server) ping(ctx context.Context, conn *websocket.Conn, requests <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-requests:
		}
		// The session may be held up by a write for as long as one may take.
		wait, cancel := context.WithTimeout(ctx, 2*s.opts.WriteTimeout)
		err := conn.Ping(wait)
		cancel()
		if err != nil {
			return errors.Join(errNoPong, err)
		}
	}
}

// webSocket is the transport of a session over a WebSocket.
type webSocket struct {
	conn    *websocket.Conn
	pings   chan<- struct{}
	timeout time.Duration
}

func (t *webSocket) send(ctx context.Context, _ uint64, text []byte) error {
	// A write that ends with ctx would take the connection with it, and the client
	// would not be told why.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.timeout)
	defer cancel()
	return t.conn.Write(ctx, websocket.MessageText, text)
}

func (t *webSocket) keepAlive() error {
	select {
	case t.pings <- struct{}{}:
	default: // the one before is not answered yet
	}
	return nil
}
