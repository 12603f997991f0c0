package backend

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/backend/audit"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/board"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/flow"
	"github.com/jobrunner-dev/jobrunner/internal/backend/live"
	"github.com/jobrunner-dev/jobrunner/internal/backend/webhook"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/event"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// DefaultBodyLimit is the size of the largest request body that is taken, if
// nothing else is said, in bytes.
const DefaultBodyLimit = 5 << 20

// Options are the choices of a [Server].
type Options struct {
	// Store is the database. Required.
	Store *store.DB
	// Redis holds the queues. Required.
	Redis *bullmq.Redis
	// Prefix is the key prefix of the queues. Defaults to [bullmq.DefaultPrefix].
	Prefix string
	// Version is that of the program. Defaults to "dev".
	Version string
	// Logger defaults to [slog.Default].
	Logger *slog.Logger

	// TokenSecret signs access tokens, at least 32 bytes. Nil takes the one in SQL.
	TokenSecret []byte
	// AccessTokenTTL is how long an access token is valid. Defaults to 15 minutes.
	AccessTokenTTL time.Duration
	// AdminEmail and AdminPassword make the first user, if there is none.
	AdminEmail    string
	AdminPassword string
	// OnSetupToken is given the one-time token with which the first user
	// registers, if there is no user and none is made from AdminEmail.
	OnSetupToken func(token string)
	// SecureCookies marks cookies for HTTPS only.
	SecureCookies bool

	// WebhookAllow and WebhookAllowHosts are addresses and host names that webhooks
	// may be delivered to although they are not public. None by default.
	WebhookAllow      []netip.Prefix
	WebhookAllowHosts []string

	// BodyLimit is the size of the largest request body, in bytes. Defaults to
	// [DefaultBodyLimit].
	BodyLimit int64
	// Web serves the web client: every path that is no other part's. Nil leaves it out.
	Web http.Handler
	// Directory is how often queues that other programs made are looked for.
	// Defaults to 15 s.
	Directory time.Duration
}

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, bullmq.DefaultPrefix)
	o.Version = cmp.Or(o.Version, "dev")
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.BodyLimit = cmp.Or(o.BodyLimit, DefaultBodyLimit)
	return o
}

func (o *Options) validate() error {
	switch {
	case o.Store == nil || o.Redis == nil:
		return errors.New("backend: a store and a Redis are required")
	case o.BodyLimit < 1024:
		return fmt.Errorf("backend: the body limit must be at least 1024 bytes, is %d", o.BodyLimit)
	}
	return nil
}

// Server is the backend.
type Server struct {
	opts      Options
	auth      *auth.Service
	audit     *audit.Recorder
	directory *directory.Directory
	hub       *event.Hub
	live      *live.Server
	webhooks  *webhook.Service
	board     *board.Board
	handler   http.Handler
}

// New puts a backend together. It makes the first user or a setup token, if
// there is no user yet, and starts nothing.
func New(ctx context.Context, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	s := &Server{opts: opts, audit: audit.NewRecorder(opts.Store, opts.Logger)}
	var err error
	s.auth, err = auth.New(ctx, auth.Options{
		Store: opts.Store, TokenSecret: opts.TokenSecret, AccessTokenTTL: opts.AccessTokenTTL,
		AdminEmail: opts.AdminEmail, AdminPassword: opts.AdminPassword, OnSetupToken: opts.OnSetupToken,
		SecureCookies: opts.SecureCookies, Logger: opts.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("backend: %w", err)
	}
	s.directory = directory.New(directory.Options{
		Backend: opts.Redis, Catalogue: catalogue.NewReader(opts.Redis.Client(), opts.Prefix),
		Prefix: opts.Prefix, Refresh: opts.Directory, Logger: opts.Logger,
	})
	if s.hub, err = event.New(opts.Redis, event.Options{Prefix: opts.Prefix, Logger: opts.Logger}); err != nil {
		return nil, fmt.Errorf("backend: %w", err)
	}
	s.live, err = live.New(opts.Redis, s.hub, s.auth, live.Options{Prefix: opts.Prefix, Logger: opts.Logger})
	if err != nil {
		return nil, fmt.Errorf("backend: %w", err)
	}
	s.webhooks, err = webhook.New(opts.Store, opts.Redis, s.hub, webhook.Options{
		// Installations that share a Redis differ in their prefix, and so must their deliveries.
		Prefix: opts.Prefix, QueuePrefix: webhook.QueuePrefix + ":" + opts.Prefix, Allow: opts.WebhookAllow, AllowHosts: opts.WebhookAllowHosts, Logger: opts.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("backend: %w", err)
	}
	s.board, err = board.New(board.Options{
		Redis: opts.Redis, Auth: s.auth, Directory: s.directory, Audit: s.audit, Prefix: opts.Prefix,
		BodyLimit: opts.BodyLimit, Logger: opts.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("backend: %w", err)
	}
	s.handler, err = s.routes()
	return s, err
}

// Handler serves everything the backend has over HTTP. Live connections and
// what needs background work are there while [Server.Run] runs.
func (s *Server) Handler() http.Handler { return s.handler }

// Run does the backend's background work until ctx ends and all of it is done:
// it follows events, knows the queues, delivers webhooks, ends live connections
// and writes the audit log. It may be called once.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.hub.Run(ctx) })
	g.Go(func() error { return s.live.Run(ctx) })
	g.Go(func() error { return s.webhooks.Run(ctx) })
	g.Go(func() error { return s.directory.Run(ctx) })
	g.Go(func() error { return s.audit.Run(ctx) })
	return g.Wait()
}

func (s *Server) routes() (http.Handler, error) {
	r := chi.NewRouter()
	r.Use(s.describe, s.logAccess, s.recover, secureHeaders)
	r.MethodNotAllowed(methodNotAllowed)
	r.NotFound(s.notFound)
	r.Get("/healthz", s.health)
	r.Get("/readyz", s.ready)
	r.Handle(board.DefaultPath, s.board)
	r.Handle(board.DefaultPath+"/*", s.board)
	r.Get("/api/v1/live", s.live.WebSocket)
	r.Get("/api/v1/events", s.live.Events)
	var document []byte
	var err error
	r.Group(func(r chi.Router) {
		r.Use(compressed)
		described := api.Register(r, api.Options{
			Auth: s.auth, Audit: s.audit, Store: s.opts.Store, Redis: s.opts.Redis, Prefix: s.opts.Prefix,
			Directory: s.directory, Flows: flow.New(s.opts.Store, s.opts.Redis, s.opts.Prefix),
			Webhooks: s.webhooks, Logger: s.opts.Logger, OnQueue: s.followQueue,
			BodyLimit: s.opts.BodyLimit, Version: s.opts.Version, StartedAt: time.Now(),
		}).OpenAPI()
		if document, err = json.Marshal(described); err != nil {
			return
		}
		r.Get("/openapi.json", serveBytes("application/json", document))
		err = mountDocs(r, described)
	})
	if err != nil {
		return nil, fmt.Errorf("backend: describe the API: %w", err)
	}
	return r, nil
}
