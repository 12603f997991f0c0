package cli

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// buffer is a stream that is read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// command is a jobrunner command that runs inside the test.
type command struct {
	stdout, stderr buffer
	signals        chan os.Signal
	code           chan int
	read           int // of stderr, by awaitLog
}

// begin starts a command and ends it with the test.
func begin(t *testing.T, env []string, args ...string) *command {
	t.Helper()
	return beginProcess(t, &Process{Args: args, Env: env})
}

// beginProcess is begin for a process that has more than arguments.
func beginProcess(t *testing.T, p *Process) *command {
	t.Helper()
	c := &command{signals: make(chan os.Signal, 2), code: make(chan int, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Stdout, p.Stderr, p.Signals = &c.stdout, &c.stderr, c.signals
		c.code <- Main(p)
	}()
	t.Cleanup(func() {
		select {
		case c.signals <- syscall.SIGTERM:
		default:
		}
		<-ended
	})
	return c
}

// run runs a command that ends by itself.
func run(t *testing.T, env []string, args ...string) (c *command, code int) {
	t.Helper()
	c = begin(t, env, args...)
	return c, c.wait(t)
}

// runWith runs a command that reads stdin.
func runWith(t *testing.T, stdin io.Reader, args ...string) (c *command, code int) {
	t.Helper()
	c = beginProcess(t, &Process{Args: args, Stdin: stdin})
	return c, c.wait(t)
}

func (c *command) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.code:
		return code
	case <-time.After(time.Minute):
		require.FailNow(t, "the command did not end", "%s\n%s", c.stdout.String(), c.stderr.String())
		return 0
	}
}

// How long, and how often, tests look for something to come about.
const (
	poll = time.Minute
	tick = 10 * time.Millisecond
)

// awaitLog waits until the command has written what the pattern matches to
// stderr, after what an earlier call has waited for.
func (c *command) awaitLog(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	require.Eventually(t, func() bool {
		text := c.stderr.String()
		found := re.FindStringIndex(text[c.read:])
		if found != nil {
			c.read += found[1]
		}
		return found != nil
	}, poll, tick, "nothing logged matches %s", pattern)
}

// find waits until the command has printed what the pattern's group matches.
func (c *command) find(t *testing.T, pattern string) string {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		found = regexp.MustCompile(pattern).FindStringSubmatch(c.stdout.String())
		return found != nil || len(c.code) > 0
	}, poll, tick, "nothing printed matches")
	require.NotNil(t, found, "%s\n%s", c.stdout.String(), c.stderr.String())
	return found[1]
}
