package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
)

// server gives each client of a listener a session of its own.
type server struct {
	redisURL string
	log      *slog.Logger
}

// serve accepts clients until ctx ends. It returns when the last of them is
// disconnected and what they had under way has ended.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("accept: %w", err)
		}
		clients.Go(func() { s.client(ctx, conn) })
	}
}

func (s *server) client(ctx context.Context, conn net.Conn) {
	c := newClient(conn, newSession(s.redisURL, s.log))
	if err := c.serve(ctx); err != nil && !hungUp(err) {
		s.log.WarnContext(ctx, "client dropped", slog.Any("error", err))
	}
}

// hungUp tells whether an error is that of a connection which its other end, or
// our own shutdown, has closed.
func hungUp(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
