package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// nodeEngine is npm bullmq in a Node process that takes commands over its stdin.
type nodeEngine struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	replies *bufio.Scanner
	counter rueidis.Client
}

func newNode(ctx context.Context, server *redisServer) (*nodeEngine, error) {
	host, port, err := net.SplitHostPort(server.addr)
	if err != nil {
		return nil, err
	}
	e := &nodeEngine{counter: server.client}
	e.cmd = exec.CommandContext(ctx, "node", "node/bench.mjs", host, port, queueName, payload)
	e.cmd.Stderr = os.Stderr
	if e.stdin, err = e.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.replies = bufio.NewScanner(stdout)
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start node: %w", err)
	}
	if _, err := e.reply(); err != nil {
		return nil, errors.Join(fmt.Errorf("node did not start; are the npm packages installed? %w", err), e.close())
	}
	return e, nil
}

func (*nodeEngine) name() string    { return "Node BullMQ" }
func (*nodeEngine) version() string { return npmVersion("bullmq") + ", Node " + nodeVersion() }

func (e *nodeEngine) close() error {
	return errors.Join(e.stdin.Close(), e.cmd.Wait())
}

func (e *nodeEngine) add(_ context.Context, jobs, producers int) error {
	return e.call(map[string]any{"command": "add", "jobs": jobs, "producers": producers}, nil)
}

func (e *nodeEngine) addBulk(_ context.Context, jobs, size int) error {
	return e.call(map[string]any{"command": "addBulk", "jobs": jobs, "size": size}, nil)
}

func (e *nodeEngine) startWorker(_ context.Context, jobs, concurrency int) (drain, error) {
	return nodeDrain{e}, e.call(map[string]any{"command": "startWorker", "jobs": jobs, "concurrency": concurrency}, nil)
}

func (e *nodeEngine) finished(ctx context.Context) (int, error) {
	return bullCompleted(ctx, e.counter)
}

type nodeDrain struct{ engine *nodeEngine }

func (d nodeDrain) stop() (delivery, error) {
	var result delivery
	err := d.engine.call(map[string]any{"command": "stopWorker"}, &result)
	return result, err
}

// call sends a command and waits for its result.
func (e *nodeEngine) call(command map[string]any, result any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if _, err := e.stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write to node: %w", err)
	}
	raw, err := e.reply()
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(raw, result)
}

func (e *nodeEngine) reply() (json.RawMessage, error) {
	if !e.replies.Scan() {
		return nil, errors.Join(errors.New("node has ended"), e.replies.Err())
	}
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  string          `json:"error"`
	}
	if err := json.Unmarshal(e.replies.Bytes(), &reply); err != nil {
		return nil, fmt.Errorf("unexpected line from node: %q", e.replies.Text())
	}
	if reply.Error != "" {
		return nil, errors.New("node: " + reply.Error)
	}
	return reply.Result, nil
}

func nodeVersion() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(strings.TrimPrefix(string(out), "v"))
}

// npmVersion reads the version that the benchmark's workspace asks for, which is exact.
func npmVersion(name string) string {
	text, err := os.ReadFile("node/package.json")
	if err != nil {
		return "unknown"
	}
	var manifest struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "unknown"
	}
	return manifest.Dependencies[name]
}
