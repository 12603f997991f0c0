package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// The names under which the versions of npm bullmq are installed.
const (
	currentLibrary = "bullmq"
	version5       = "bullmq-v5"
)

// peer is a Node process that runs node/peer.mjs.
type peer struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr syncBuffer // worker errors, which some tests provoke

	mu      sync.Mutex
	nextID  int                       // guarded by mu
	pending map[int]chan<- peerResult // guarded by mu; nil once the process has ended
	read    sync.WaitGroup
}

type peerResult struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *peerError      `json:"error"`
}

// peerError is an error that npm bullmq threw.
type peerError struct {
	Name    string `json:"name"`
	Message string `json:"message"`
}

func (e *peerError) Error() string { return e.Name + ": " + e.Message }

// sharedPeers are the processes that tests use together, by library: Node takes
// longer to start than most tests to run.
var sharedPeers = struct {
	sync.Mutex
	peers map[string]*peer
	users map[string]int
}{peers: map[string]*peer{}, users: map[string]int{}}

// sharePeer returns a Node process that has the library. It ends with the last of
// the tests that use it at the same time.
func sharePeer(t *testing.T, library string) *peer {
	t.Helper()
	sharedPeers.Lock()
	defer sharedPeers.Unlock()
	p := sharedPeers.peers[library]
	if p == nil {
		p = newPeer(t, library)
		sharedPeers.peers[library] = p
	}
	sharedPeers.users[library]++
	t.Cleanup(func() {
		sharedPeers.Lock()
		defer sharedPeers.Unlock()
		sharedPeers.users[library]--
		if sharedPeers.users[library] == 0 {
			delete(sharedPeers.peers, library)
			p.end()
		}
		p.explain(t)
	})
	return p
}

// startPeer starts a Node process of the test's own, which ends with it.
func startPeer(t *testing.T, library string) *peer {
	t.Helper()
	p := newPeer(t, library)
	t.Cleanup(func() {
		p.end()
		p.explain(t)
	})
	return p
}

func newPeer(t *testing.T, library string) *peer {
	t.Helper()
	if _, err := os.Stat("../../node_modules/" + library + "/package.json"); err != nil {
		t.Fatalf("npm %s is not installed; run npm ci in the project's root", library)
	}
	redis, err := url.Parse(testenv.RedisURL(t))
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(redis.Host)
	require.NoError(t, err)

	p := &peer{cmd: exec.Command("node", "node/peer.mjs", host, port, library), pending: map[int]chan<- peerResult{}}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.stderr
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	p.read.Go(func() { p.readAnswers(stdout) })
	return p
}

// end lets the process come to its end.
func (p *peer) end() {
	_ = p.stdin.Close()
	p.read.Wait()
	_ = p.cmd.Wait()
}

// explain shows what the process wrote if the test has failed.
func (p *peer) explain(t *testing.T) {
	if t.Failed() {
		t.Logf("node wrote:\n%s", p.stderr.String())
	}
}

// syncBuffer is a buffer that may be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *syncBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(text)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// kill ends the process at once, as a crash would.
func (p *peer) kill() {
	_ = p.cmd.Process.Kill()
	p.read.Wait()
}

func (p *peer) readAnswers(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r peerResult
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			fmt.Fprintf(os.Stderr, "unexpected line from node: %s\n", lines.Bytes())
			continue
		}
		p.mu.Lock()
		ch := p.pending[r.ID]
		delete(p.pending, r.ID)
		p.mu.Unlock()
		if ch != nil {
			ch <- r
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ch := range p.pending {
		close(ch)
	}
	p.pending = nil
}

type params map[string]any

// call runs a method of node/peer.mjs and decodes its result, unless that is nil.
func (p *peer) call(ctx context.Context, method string, params params, result any) error {
	ch := make(chan peerResult, 1)
	p.mu.Lock()
	if p.pending == nil {
		p.mu.Unlock()
		return errors.New("node has ended")
	}
	p.nextID++
	id := p.nextID
	p.pending[id] = ch
	line, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err == nil {
		_, err = p.stdin.Write(append(line, '\n'))
	}
	p.mu.Unlock()
	if err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	select {
	case r, ok := <-ch:
		switch {
		case !ok:
			return fmt.Errorf("call %s: node has ended", method)
		case r.Error != nil:
			return r.Error
		case result == nil:
			return nil
		}
		return json.Unmarshal(r.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("call %s: %w", method, ctx.Err())
	}
}
