package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/store"
	"github.com/jobrunner-dev/jobrunner/web"
)

// backendPart is the backend of a command, with its database and its address.
type backendPart struct {
	cfg        *config.Loaded
	log        *slog.Logger
	store      *store.DB
	server     *backend.Server
	listener   net.Listener
	setupToken string
}

// openBackend takes the address first: that it is in use is the most likely
// reason to fail, and the quickest to find.
func openBackend(ctx context.Context, cfg *config.Loaded, redis *bullmq.Redis, database string, log *slog.Logger) (*backendPart, error) {
	b := &backendPart{cfg: cfg, log: log}
	var err error
	if b.listener, err = listen(ctx, cfg.Listen); err != nil {
		return nil, err
	}
	if b.store, err = store.Open(ctx, database); err != nil {
		return nil, errors.Join(err, b.close())
	}
	reach := dialOptions(cfg.AllowHosts)
	b.server, err = backend.New(ctx, backend.Options{
		Store:         b.store,
		Redis:         redis,
		Prefix:        cfg.Prefix,
		Version:       Version(),
		Logger:        log,
		AdminEmail:    cfg.AdminEmail,
		AdminPassword: cfg.AdminPassword,
		OnSetupToken:  func(token string) { b.setupToken = token },
		SecureCookies: cfg.SecureCookies,
		BodyLimit:     cfg.BodyLimit,

		WebhookAllow:      reach.Allow,
		WebhookAllowHosts: reach.AllowHosts,

		Web: web.Handler(),
	})
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// run adds the backend's work to a group. All of it ends with ctx.
func (b *backendPart) run(ctx context.Context, g *errgroup.Group) {
	g.Go(func() error { return b.server.Run(ctx) })
	g.Go(func() error {
		return serveHTTP(ctx, b.listener, b.server.Handler(), b.cfg.ShutdownTimeout, b.log)
	})
}

// lines tell where the backend is, and the way in as long as there is no user.
func (b *backendPart) lines() []line {
	lines := []line{{"Web client", baseURL(b.listener), ""}}
	if b.setupToken != "" {
		lines = append(lines, line{"Setup token", b.setupToken, "good once, to register the first administrator"})
	}
	return lines
}

// close frees what open took. The listener may have been closed by the server.
func (b *backendPart) close() error {
	_ = b.listener.Close()
	if b.store == nil {
		return nil
	}
	return b.store.Close()
}
