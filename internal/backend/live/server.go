package live

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/request"
	"github.com/jobrunner-dev/jobrunner/internal/event"
)

// Why a session ends, beside a client that went away.
var (
	errStopping     = errors.New("the server is stopping")
	errUnauthorized = errors.New("the credential has expired or was revoked")
)

// Authenticator knows who makes a request. Its errors are fit to be sent to the client.
type Authenticator interface {
	Authenticate(r *http.Request) (*auth.Principal, error)
}

// Options are the choices of a [Server]; the zero value is fine.
type Options struct {
	// Prefix is the key prefix of the queues. Defaults to [bullmq.DefaultPrefix].
	Prefix string
	// Origins are further hosts whose pages may open a WebSocket, as patterns of
	// [path.Match]. The host that serves the page always may.
	Origins []string
	// MaxConnections is how many clients there may be at once. Defaults to 2,000.
	MaxConnections int
	// Heartbeat is how often a quiet client is looked after. Defaults to 25 s.
	Heartbeat time.Duration
	// Recheck is how often a client's credential is checked again, and so how long
	// a connection may outlive it. Defaults to 15 s.
	Recheck time.Duration
	// WriteTimeout is how long a client may take to accept one frame. Defaults to 10 s.
	WriteTimeout time.Duration
	// StatsInterval is the least time between two stats frames. Defaults to 1 s.
	StatsInterval time.Duration
	// Logger receives what concerns the server. Defaults to [slog.Default].
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, bullmq.DefaultPrefix)
	o.MaxConnections = cmp.Or(o.MaxConnections, 2000)
	o.Heartbeat = cmp.Or(o.Heartbeat, 25*time.Second)
	o.Recheck = cmp.Or(o.Recheck, 15*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.StatsInterval = cmp.Or(o.StatsInterval, time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// Server serves live connections. Its handlers authenticate by themselves.
type Server struct {
	hub   *event.Hub
	auth  Authenticator
	stats *statsBoard
	opts  Options

	// ctx ends every connection.
	ctx  context.Context //nolint:containedctx // connections outlive their requests and end with the server
	stop context.CancelCauseFunc

	mu     sync.Mutex
	open   int           // guarded by mu
	closed bool          // guarded by mu
	idle   chan struct{} // closed when the last connection ended after closed was set
}

// New returns a server that serves until [Server.Run] ends.
func New(backend bullmq.Backend, hub *event.Hub, authenticator Authenticator, opts Options) (*Server, error) {
	if backend == nil || hub == nil || authenticator == nil {
		return nil, errors.New("live: a backend, a hub and an authenticator are required")
	}
	opts = opts.withDefaults()
	ctx, stop := context.WithCancelCause(context.Background())
	return &Server{
		hub: hub, auth: authenticator, opts: opts, stats: newStatsBoard(backend, hub, opts),
		ctx: ctx, stop: stop, idle: make(chan struct{}),
	}, nil
}

// Run keeps the stats until ctx ends, then tells every client that the server
// goes away, waits until they are gone, and returns nil. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	s.stats.run(ctx)
	<-ctx.Done()
	s.mu.Lock()
	s.closed = true
	if s.open == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	s.stop(errStopping)
	<-s.idle
	return nil
}

// bound returns a context that ends with errStopping when the server stops.
func (s *Server) bound(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(s.ctx, func() { cancel(errStopping) })
	return ctx, func(cause error) { release(); cancel(cause) }
}

// enter counts a connection in; whoever got nil calls leave.
func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.open >= s.opts.MaxConnections {
		return problem.New(http.StatusServiceUnavailable, "live_unavailable",
			"The server has no room for another live connection; try again later.").RetryAfter(5 * time.Second)
	}
	s.open++
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.closed && s.open == 0 {
		close(s.idle)
	}
}

// admit authenticates a request and counts its connection in. On refusal it has
// answered, and returns nil.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) *auth.Principal {
	p, err := s.auth.Authenticate(r)
	if err == nil {
		err = s.enter()
	}
	if err != nil {
		problem.Write(w, request.From(r.Context()).ID, err)
		return nil
	}
	return p
}
