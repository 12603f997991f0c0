// Package redisd runs a Redis of JobRunner's own: a redis-server or
// valkey-server child on a loopback port, with a random password and an
// append-only file in the data directory.
//
// A [Server] starts its child again when it dies, at the same address. The child
// never outlives this process, not even when the process is killed, and two
// children never share one directory.
package redisd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

const (
	host = "127.0.0.1"
	// startAttempts is how many ports are tried before a first start fails.
	startAttempts = 5
	minBackoff    = 100 * time.Millisecond
	maxBackoff    = 5 * time.Second
	// steadyAfter is how long a child must have lived for its death to count as the first.
	steadyAfter = 10 * time.Second
)

// ErrNotInstalled says that there is no server program to start.
var ErrNotInstalled = errors.New("neither redis-server nor valkey-server is installed: " +
	"install one (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis), or name a running server with --redis")

// Options are the choices of a [Server].
type Options struct {
	// Dir is where the server keeps its data, port and password. It is made if missing. Required.
	Dir string
	// Binary is the server program. Defaults to the first of redis-server and valkey-server on the PATH.
	Binary string
	// Logger receives the child's end and restarts, and its own output at debug
	// level. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Server is a supervised Redis server.
type Server struct {
	dir    string
	binary string
	conn   connection
	log    *slog.Logger

	cancel context.CancelFunc
	done   chan struct{}

	mu  sync.Mutex
	pid int // guarded by mu; 0 while no child runs
}

// Start starts the server and returns when it answers; ctx bounds only that.
// The caller ends it with [Server.Stop]. It returns [ErrNotInstalled] if there
// is no server program.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Dir == "" {
		return nil, errors.New("redisd: a directory is required")
	}
	s := &Server{binary: opts.Binary, log: cmp.Or(opts.Logger, slog.Default()), done: make(chan struct{})}
	var err error
	if s.dir, err = filepath.Abs(opts.Dir); err != nil {
		return nil, fmt.Errorf("redisd: %w", err)
	}
	if s.binary == "" {
		if s.binary, err = findBinary(); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("redisd: %w", err)
	}

	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	started := make(chan error, 1)
	go s.supervise(ctx, life, started)
	if err := <-started; err != nil {
		s.Stop()
		return nil, fmt.Errorf("start %s: %w", filepath.Base(s.binary), err)
	}
	return s, nil
}

// URL returns the server's address with its password. It stays the same for the
// server's life, and from one start to the next while its port is free.
func (s *Server) URL() string { return s.conn.url() }

// PID returns the process id of the running child, 0 between a death and the restart.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

// Stop ends the server in order and waits for it. It may be called more than once.
func (s *Server) Stop() {
	s.cancel()
	<-s.done
}

func (s *Server) addr() string { return s.conn.addr() }

// supervise keeps a child running until life ends. It stays on one thread of the
// operating system for that time: on Linux the kernel kills the child when the
// thread that started it ends, and Go ends idle threads as it likes.
func (s *Server) supervise(start, life context.Context, started chan<- error) {
	defer close(s.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	c, err := s.firstChild(start)
	started <- err
	if err != nil {
		return
	}
	backoff := minBackoff
	for {
		if c != nil {
			select {
			case <-life.Done():
				c.stop()
				s.setPID(0)
				return
			case <-c.exited:
			}
			s.setPID(0)
			if c.age() > steadyAfter {
				backoff = minBackoff
			}
			s.log.WarnContext(life, "redis ended and is started again",
				slog.Duration("after", backoff), slog.Any("error", c.err))
		}
		if !pause(life, backoff) {
			return
		}
		backoff = min(2*backoff, maxBackoff)
		if c, err = s.spawn(life); err != nil {
			s.log.ErrorContext(life, "redis did not start", slog.Any("error", err))
		}
	}
}

// firstChild starts a child and waits until it answers. The port may be taken
// between the choice and the start, so it tries others.
func (s *Server) firstChild(ctx context.Context) (*child, error) {
	var err error
	for range startAttempts {
		if s.conn, err = loadConnection(ctx, s.dir); err != nil {
			return nil, err
		}
		var c *child
		if c, err = s.spawn(ctx); err != nil {
			return nil, err
		}
		if err = c.ready(ctx, s.addr(), s.conn.Password); err == nil {
			return c, nil
		}
		c.stop()
		s.setPID(0)
		if portIsFree(ctx, s.conn.Port) {
			break // the port was not what went wrong
		}
	}
	return nil, err
}

func (s *Server) spawn(ctx context.Context) (*child, error) {
	c, err := startChild(ctx, s.binary, s.dir, configText(s.dir, s.conn), s.log)
	if err != nil {
		return nil, err
	}
	s.setPID(c.cmd.Process.Pid)
	return c, nil
}

func (s *Server) setPID(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid = pid
}

func findBinary() (string, error) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNotInstalled
}

// pause waits for about d and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // jitter needs no secrecy
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
