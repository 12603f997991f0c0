package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

const (
	// maxLine is the largest request that is read, and reply that is written.
	maxLine = 64 << 20
	// maxWaiting is how many requests of a client may wait for jobs or events at once.
	maxWaiting = 8
	// writeTimeout ends a client that does not read its replies.
	writeTimeout = 30 * time.Second
)

// request is one line of a client.
type request struct {
	ID uint64 `json:"id"`
	// Queue is qualified, "<prefix>:<name>".
	Queue  string `json:"queue"`
	Method string `json:"method"`
	// Now is the client's clock in epoch ms, which may be one that a test has set.
	Now    int64           `json:"now"`
	Params json.RawMessage `json:"params"`
}

// queue is what the request is about. A flow is about no queue of its own, so
// that its name may be empty.
func (r *request) queue() bullmq.QueueRef {
	i := strings.LastIndexByte(r.Queue, ':')
	return bullmq.QueueRef{Prefix: r.Queue[:max(i, 0)], Name: r.Queue[i+1:]}
}

// reply answers the request of the same id.
type reply struct {
	ID     uint64      `json:"id"`
	Result any         `json:"result,omitempty"`
	Error  *replyError `json:"error,omitempty"`
}

// client reads requests from a connection and writes the replies.
type client struct {
	conn    net.Conn
	session *session
	waiting chan struct{}

	writing sync.Mutex
}

func newClient(conn net.Conn, s *session) *client {
	return &client{conn: conn, session: s, waiting: make(chan struct{}, maxWaiting)}
}

// serve returns when the client has gone, or ctx has ended, and nothing of it is
// under way any more.
func (c *client) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var waits sync.WaitGroup
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer func() {
		stop()
		cancel()
		_ = c.conn.Close()
		c.session.interrupt()
		waits.Wait()
		c.session.close()
	}()
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for lines.Scan() {
		var req request
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			return fmt.Errorf("request: %w", err)
		}
		if err := c.handle(ctx, &waits, req); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// handle carries out a request, or begins to if it waits. Its error is one after
// which the client cannot go on.
func (c *client) handle(ctx context.Context, waits *sync.WaitGroup, req request) error {
	c.session.setNow(req.Now)
	if prepare, ok := waitingOperations[req.Method]; ok {
		return c.wait(ctx, waits, req, prepare)
	}
	return c.write(c.answer(ctx, req, operations[req.Method]))
}

// wait runs a request that may take long beside those that follow it.
func (c *client) wait(ctx context.Context, waits *sync.WaitGroup, req request, prepare preparation) error {
	select {
	case c.waiting <- struct{}{}:
	default:
		return c.write(reply{ID: req.ID, Error: &replyError{Message: "too many requests are waiting"}})
	}
	run, err := prepare(ctx, c.session, req.queue(), req.Params)
	if err != nil {
		<-c.waiting
		return c.write(reply{ID: req.ID, Error: describe(err)})
	}
	waits.Go(func() {
		defer func() { <-c.waiting }()
		result, err := run(ctx)
		// A reply that cannot be written shows to the reading side as a lost connection.
		_ = c.write(reply{ID: req.ID, Result: result, Error: describe(err)})
	})
	return nil
}

func (c *client) answer(ctx context.Context, req request, run operation) reply {
	if run == nil {
		return reply{ID: req.ID, Error: &replyError{Message: fmt.Sprintf("unknown method %q", req.Method)}}
	}
	result, err := run(ctx, c.session, req.queue(), req.Params)
	if err != nil {
		return reply{ID: req.ID, Error: describe(err)}
	}
	return reply{ID: req.ID, Result: result}
}

func (c *client) write(r reply) error {
	line, err := json.Marshal(r)
	if err == nil && len(line) >= maxLine {
		err = fmt.Errorf("the result has %d bytes, more than %d", len(line), maxLine)
	}
	if err != nil {
		if line, err = json.Marshal(reply{ID: r.ID, Error: describe(err)}); err != nil {
			return err
		}
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err = c.conn.Write(append(line, '\n'))
	return err
}
