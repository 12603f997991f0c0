package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// Node is npm bullmq in a process of its own. It may play many scenarios at once.
type Node struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	read  sync.WaitGroup

	mu      sync.Mutex
	nextID  int                       // guarded by mu
	pending map[int]chan<- nodeAnswer // guarded by mu; nil once the process has ended
}

var _ Engine = (*Node)(nil)

type nodeAnswer struct {
	ID     int
	Result any
	Error  *struct{ Name, Message string }
}

// StartNode starts a process that runs the program node/runner.mjs of this
// folder, on the server of the URL.
func StartNode(runner, redisURL string, stderr io.Writer) (*Node, error) {
	n := &Node{cmd: exec.Command("node", runner, redisURL), pending: map[int]chan<- nodeAnswer{}} //nolint:noctx // it ends with its stdin
	n.cmd.Stderr = stderr
	var err error
	if n.stdin, err = n.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start node: %w", err)
	}
	n.read.Go(func() { n.readAnswers(stdout) })
	return n, nil
}

// Close ends the process.
func (n *Node) Close() error {
	err := n.stdin.Close()
	n.read.Wait()
	return errors.Join(err, n.cmd.Wait())
}

func (n *Node) readAnswers(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var a nodeAnswer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			continue // not ours: nothing else is waited for by id
		}
		n.mu.Lock()
		ch := n.pending[a.ID]
		delete(n.pending, a.ID)
		n.mu.Unlock()
		if ch != nil {
			ch <- a
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ch := range n.pending {
		close(ch)
	}
	n.pending = nil
}

// Name implements [Engine].
func (n *Node) Name() string { return "node" }

// Do implements [Engine].
func (n *Node) Do(ctx context.Context, prefix string, now time.Time, step Step) (any, error) {
	var args map[string]any
	if err := json.Unmarshal(step.Args, &args); err != nil {
		return nil, err
	}
	args["queue"] = step.Queue
	return n.call(ctx, map[string]any{"prefix": prefix, "now": now.UnixMilli(), "step": args})
}

// End implements [Engine].
func (n *Node) End(ctx context.Context, prefix string) error {
	_, err := n.call(ctx, map[string]any{"prefix": prefix, "end": true})
	return err
}

var errNodeEnded = errors.New("node has ended")

func (n *Node) call(ctx context.Context, request map[string]any) (any, error) {
	ch := make(chan nodeAnswer, 1)
	if err := n.send(request, ch); err != nil {
		return nil, err
	}
	select {
	case a, ok := <-ch:
		switch {
		case !ok:
			return nil, errNodeEnded
		case a.Error != nil:
			return nil, &Refusal{Text: nodeCondition(a.Error.Message)}
		}
		return a.Result, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *Node) send(request map[string]any, ch chan<- nodeAnswer) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pending == nil {
		return errNodeEnded
	}
	n.nextID++
	request["id"] = n.nextID
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	n.pending[n.nextID] = ch
	_, err = n.stdin.Write(append(line, '\n'))
	return err
}
