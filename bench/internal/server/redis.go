package main

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

// redisServer is a server for the benchmark alone: no persistence, a free
// loopback port, nothing kept.
type redisServer struct {
	addr   string
	client rueidis.Client
	cmd    *exec.Cmd
	dir    string
}

func startRedis(ctx context.Context) (*redisServer, error) {
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
	s := &redisServer{addr: net.JoinHostPort("127.0.0.1", port), dir: dir}
	s.cmd = exec.CommandContext(ctx, binary, "--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no")
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s.client, err = rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}, DisableCache: true})
		if err == nil {
			return s, nil
		}
	}
	s.stop()
	return nil, fmt.Errorf("%s did not answer on %s: %w", binary, s.addr, err)
}

func (s *redisServer) stop() {
	if s.client != nil {
		s.client.Close()
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = os.RemoveAll(s.dir)
}

func (s *redisServer) flush(ctx context.Context) error {
	return s.client.Do(ctx, s.client.B().Flushall().Sync().Build()).Error()
}

// info reads INFO as a table.
func (s *redisServer) info(ctx context.Context) (map[string]string, error) {
	text, err := s.client.Do(ctx, s.client.B().Info().Build()).ToString()
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

// usage is what the server has spent so far and holds now.
type usage struct {
	cpu    time.Duration
	memory int64
}

// usage reads the CPU time of the thread that runs commands, where the server
// tells it apart, or else of the whole process.
func (s *redisServer) usage(ctx context.Context) (usage, error) {
	fields, err := s.info(ctx)
	if err != nil {
		return usage{}, err
	}
	suffix := "_main_thread"
	if fields["used_cpu_sys"+suffix] == "" {
		suffix = ""
	}
	var u usage
	for _, kind := range []string{"used_cpu_sys", "used_cpu_user"} {
		seconds, err := strconv.ParseFloat(fields[kind+suffix], 64)
		if err != nil {
			return usage{}, fmt.Errorf("read %s: %w", kind, err)
		}
		u.cpu += time.Duration(seconds * float64(time.Second))
	}
	u.memory, err = strconv.ParseInt(fields["used_memory"], 10, 64)
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
