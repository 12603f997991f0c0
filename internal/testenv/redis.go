package testenv

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
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var sharedRedis = sync.OnceValues(func() (*RedisServer, error) { return startRedis(nil) })

var prefixes atomic.Int64

// RedisServer is a redis-server or valkey-server of a test's own.
type RedisServer struct {
	// URL is how to reach it: redis://127.0.0.1:port.
	URL string
	// Addr is the same as host:port.
	Addr string

	args   []string
	config string // a configuration file to start from, if not empty
	dir    string
	cmd    *exec.Cmd
}

// RedisURL returns the address of the server that all tests of this process share.
func RedisURL(tb testing.TB) string {
	tb.Helper()
	s, err := sharedRedis()
	if err != nil {
		tb.Fatalf("testenv: %v", err)
	}
	return s.URL
}

// SharedRedisURL is [RedisURL] for examples, which have no test to fail.
func SharedRedisURL() string {
	s, err := sharedRedis()
	if err != nil {
		return "redis://127.0.0.1:1/no-server-could-be-started"
	}
	return s.URL
}

// Prefix returns a key prefix that no other test of this process has.
func Prefix(tb testing.TB) string {
	tb.Helper()
	return "t" + strconv.FormatInt(prefixes.Add(1), 10)
}

// StartRedis starts a server for this test alone, with further arguments for
// its command line, and ends it with the test.
func StartRedis(tb testing.TB, args ...string) *RedisServer {
	tb.Helper()
	s, err := startRedis(args)
	if err != nil {
		tb.Fatalf("testenv: %v", err)
	}
	tb.Cleanup(s.Stop)
	return s
}

var ports struct {
	sync.Mutex
	given map[int]bool // guarded by Mutex
}

// FreePort returns a loopback port that nothing listens on, and a different one
// at each call in a process.
func FreePort() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	for {
		port, err := listenablePort()
		if err != nil {
			return 0, err
		}
		if !ports.given[port] {
			if ports.given == nil {
				ports.given = map[int]bool{}
			}
			ports.given[port] = true
			return port, nil
		}
	}
}

func listenablePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func startRedis(args []string) (s *RedisServer, err error) {
	// Another process may take a free port first, but hardly three times.
	for range 3 {
		var port int
		if port, err = FreePort(); err != nil {
			return nil, err
		}
		if s, err = startRedisOn(port, args); err == nil {
			return s, nil
		}
	}
	return nil, err
}

func startRedisOn(port int, args []string) (*RedisServer, error) {
	s, err := newRedisServer(port, args)
	if err != nil {
		return nil, err
	}
	return s, s.Start()
}

// newRedisServer prepares a server with a data directory of its own.
func newRedisServer(port int, args []string) (*RedisServer, error) {
	dir, err := os.MkdirTemp("", "jobrunner-redis-")
	if err != nil {
		return nil, err
	}
	s := &RedisServer{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: dir, args: args}
	s.URL = "redis://" + s.Addr
	OnExit(func() { s.Stop(); _ = os.RemoveAll(dir) })
	return s, nil
}

// Start starts the server again after [RedisServer.Stop], on the same port with
// the same data directory.
func (s *RedisServer) Start() error {
	binary, err := findRedis()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	args := []string{"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no"}
	if s.config != "" {
		args = append([]string{s.config}, args...)
	}
	args = append(args, s.args...)
	s.cmd = exec.Command(binary, args...) //nolint:noctx // it outlives the test that starts it
	s.cmd.SysProcAttr = dieWithParent(syscall.SIGKILL)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	err = fmt.Errorf("%s did not answer on %s within 10 s", binary, s.Addr)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		pid, asked := processID(s.Addr)
		if asked != nil {
			continue
		}
		if pid == strconv.Itoa(s.cmd.Process.Pid) {
			return nil
		}
		// Another process of this machine was quicker to take the port.
		err = fmt.Errorf("on %s answers process %s, not %s", s.Addr, pid, binary)
		break
	}
	s.Stop()
	return err
}

// Stop ends the server without saving anything.
func (s *RedisServer) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// redisVariable names the program to test against, if not the installed one.
const redisVariable = "JOBRUNNER_TEST_REDIS"

func findRedis() (string, error) {
	if path := os.Getenv(redisVariable); path != "" {
		return path, nil
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("neither redis-server nor valkey-server is installed; run make tools-test")
}

// processID asks the server at an address which process it is.
func processID(addr string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("INFO server\r\nPING\r\n")); err != nil {
		return "", err
	}
	var pid string
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		if id, ok := strings.CutPrefix(line, "process_id:"); ok {
			pid = id
		}
		if strings.HasPrefix(line, "-") {
			return "", fmt.Errorf("unexpected reply %q", line)
		}
		if line == "+PONG" {
			return pid, nil
		}
	}
	return "", errors.New("no answer")
}
