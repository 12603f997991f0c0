// Package server starts the servers that the benchmark uses: free loopback ports,
// nothing kept on disk.
package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Store is a server that engines keep their jobs in.
type Store interface {
	// Flush removes every job.
	Flush(ctx context.Context) error
	// Usage is what the server has spent so far and holds now.
	Usage(ctx context.Context) (Usage, error)
}

// Usage is what a server has spent so far and holds now.
type Usage struct {
	CPU   time.Duration
	Bytes int64
}

// Redis is a Redis or Valkey server without persistence.
type Redis struct {
	Addr   string
	Client rueidis.Client
	cmd    *exec.Cmd
	dir    string
}

// StartRedis starts a server on a free port.
func StartRedis(ctx context.Context) (*Redis, error) {
	binary, err := findRedis()
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "jobrunner-bench-")
	if err != nil {
		return nil, err
	}
	s := &Redis{Addr: net.JoinHostPort("127.0.0.1", port), dir: dir}
	s.cmd = exec.CommandContext(ctx, binary, "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no")
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s.Client, err = rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr}, DisableCache: true})
		if err == nil {
			return s, nil
		}
	}
	s.Stop()
	return nil, fmt.Errorf("%s did not answer on %s: %w", binary, s.Addr, err)
}

// Stop ends the server.
func (s *Redis) Stop() {
	if s.Client != nil {
		s.Client.Close()
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = os.RemoveAll(s.dir)
}

// PID is the server's process id.
func (s *Redis) PID() int { return s.cmd.Process.Pid }

// Flush implements [Store].
func (s *Redis) Flush(ctx context.Context) error {
	return s.Client.Do(ctx, s.Client.B().Flushall().Sync().Build()).Error()
}

// Info reads INFO as a table.
func (s *Redis) Info(ctx context.Context) (map[string]string, error) {
	text, err := s.Client.Do(ctx, s.Client.B().Info().Build()).ToString()
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok {
			fields[key] = value
		}
	}
	return fields, nil
}

// Usage implements [Store]. The CPU time is that of the thread that runs
// commands, where the server tells it apart, or else of the whole process.
func (s *Redis) Usage(ctx context.Context) (Usage, error) {
	fields, err := s.Info(ctx)
	if err != nil {
		return Usage{}, err
	}
	suffix := "_main_thread"
	if fields["used_cpu_sys"+suffix] == "" {
		suffix = ""
	}
	var u Usage
	for _, kind := range []string{"used_cpu_sys", "used_cpu_user"} {
		seconds, err := strconv.ParseFloat(fields[kind+suffix], 64)
		if err != nil {
			return Usage{}, fmt.Errorf("read %s: %w", kind, err)
		}
		u.CPU += time.Duration(seconds * float64(time.Second))
	}
	u.Bytes, err = strconv.ParseInt(fields["used_memory"], 10, 64)
	return u, err
}

func findRedis() (string, error) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither redis-server nor valkey-server is installed")
}

func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
