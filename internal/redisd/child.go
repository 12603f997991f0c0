package redisd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// silentLimit is how long a starting child may give no answer at all. One that
	// loads its data does answer, and takes the time it needs.
	silentLimit = 30 * time.Second
	// stopLimit is how long a child may take to end in order.
	stopLimit = 10 * time.Second
	// claimLimit is how long a start waits for another child to leave the directory.
	claimLimit = 10 * time.Second
	dialLimit  = time.Second
)

// child is one run of the server program.
type child struct {
	cmd     *exec.Cmd
	output  *output
	started time.Time
	release func()

	exited chan struct{}
	err    error // how it ended; valid once exited is closed
}

// startChild starts the program in a process group of its own, so that a Ctrl-C
// on the terminal reaches JobRunner alone, which ends Redis last.
func startChild(ctx context.Context, binary, dir, config string, log *slog.Logger) (*child, error) {
	claim, err := claimDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = claim.Close() }()

	c := &child{output: &output{log: log}, started: time.Now(), exited: make(chan struct{})}
	c.cmd = exec.Command(binary, "-") //nolint:noctx // ended by stop, which gives it time
	c.cmd.Dir = dir
	c.cmd.Stdin = strings.NewReader(config)
	c.cmd.Stdout = c.output
	c.cmd.Stderr = c.output
	c.cmd.ExtraFiles = []*os.File{claim}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.release, err = startGuarded(c.cmd); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.exited)
		err := c.cmd.Wait()
		c.release()
		c.err = c.output.explain(err)
	}()
	return c, nil
}

// claimDir locks the directory. The child inherits the lock and holds it for as
// long as it lives, so a second one cannot append to the same file, whatever
// became of the process that started the first.
func claimDir(ctx context.Context, dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(claimLimit); ; {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return lock, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) || !pause(ctx, 20*time.Millisecond) {
			_ = lock.Close()
			return nil, fmt.Errorf("another server still uses %s: %w", dir, err)
		}
	}
}

// ready waits until the child answers commands.
func (c *child) ready(ctx context.Context, addr, password string) error {
	deadline := time.Now().Add(silentLimit)
	for {
		err := ping(ctx, addr, password)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errLoading):
			deadline = time.Now().Add(silentLimit)
		case time.Now().After(deadline):
			return c.output.explain(fmt.Errorf("no answer on %s within %s: %w", addr, silentLimit, err))
		}
		select {
		case <-c.exited:
			return c.err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the child in order, or by force if it takes too long, and waits for it.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
}

func (c *child) age() time.Duration {
	return time.Since(c.started)
}

var errLoading = errors.New("the server is loading its data")

// ping asks the server for a sign of life in the protocol's plain-text form.
func ping(ctx context.Context, addr, password string) error {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(dialLimit)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\nPING\r\n", password); err != nil {
		return err
	}
	replies := bufio.NewReader(conn)
	for _, want := range []string{"+OK", "+PONG"} {
		line, err := replies.ReadString('\n')
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(line, "-LOADING"):
			return errLoading
		case !strings.HasPrefix(line, want):
			return fmt.Errorf("unexpected reply %q", strings.TrimSpace(line))
		}
	}
	return nil
}
