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

// peer is a Node process that runs node/peer.mjs.
type peer struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser

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

// startPeer starts a Node process and ends it with the test.
func startPeer(t *testing.T) *peer {
	t.Helper()
	if _, err := os.Stat("../../node_modules/bullmq/package.json"); err != nil {
		t.Fatal("npm bullmq is not installed; run npm ci in the project's root")
	}
	redis, err := url.Parse(testenv.RedisURL(t))
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(redis.Host)
	require.NoError(t, err)

	p := &peer{cmd: exec.Command("node", "node/peer.mjs", host, port), pending: map[int]chan<- peerResult{}}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer // worker errors, which some tests provoke
	p.cmd.Stderr = &stderr
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	p.read.Go(func() { p.readAnswers(stdout) })
	t.Cleanup(func() {
		_ = p.stdin.Close()
		p.read.Wait()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("node wrote:\n%s", stderr.Bytes())
		}
	})
	return p
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
