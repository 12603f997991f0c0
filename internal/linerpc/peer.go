package linerpc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
)

// Handlers are what a peer does with messages it did not ask for; nil ones
// ignore them, or refuse the request. Each is called by the reader, in the order
// of the lines, and holds it up while it runs. Params are valid until it returns.
type Handlers struct {
	Notify  func(method string, params json.RawMessage)
	Request func(method string, params json.RawMessage, reply Reply)
	// Rubbish gets lines that are no messages.
	Rubbish func(line []byte)
}

// Peer is one end of a connection. Its methods are safe for concurrent use.
type Peer struct {
	handlers Handlers
	maxLine  int
	out      outbox

	mu     sync.Mutex
	lastID int64           // guarded by mu
	open   map[int64]*Call // guarded by mu; nil after the end
	end    error           // guarded by mu
}

// New returns a peer that reads lines of at most maxLine bytes.
func New(handlers Handlers, maxLine int) *Peer {
	p := &Peer{handlers: handlers, maxLine: maxLine, open: map[int64]*Call{}}
	p.out.init()
	return p
}

// ErrLineTooLong says that the other side sent a line beyond the limit.
var ErrLineTooLong = errors.New("line is too long")

// Call is a request whose response is awaited.
type Call struct {
	// ID is the request's id on the wire.
	ID int64
	// Owner is what [Peer.Owner] returns while the call is open.
	Owner any
	// Done gets the one response that every call has, at the latest when the
	// connection ends, unless the call is forgotten.
	Done chan Response
}

// Response is the answer to a call: a result, or an error, an [*Error] if it
// came from the other side.
type Response struct {
	Result json.RawMessage
	Err    error
}

// Call sends a request. The params are JSON without line breaks. The owner is
// kept with the call for what the other side says about it.
func (p *Peer) Call(method string, params json.RawMessage, owner any) *Call {
	c := &Call{Owner: owner, Done: make(chan Response, 1)}
	p.mu.Lock()
	if p.open == nil {
		end := p.end
		p.mu.Unlock()
		c.Done <- Response{Err: end}
		return c
	}
	p.lastID++
	c.ID = p.lastID
	p.open[c.ID] = c
	p.mu.Unlock()
	p.out.put(func(b []byte) []byte { return appendRequest(b, c.ID, method, params) })
	return c
}

// Ask is Call for those who wait at once.
func (p *Peer) Ask(ctx context.Context, method string, params any) (json.RawMessage, error) {
	text, err := Encode(params)
	if err != nil {
		return nil, err
	}
	c := p.Call(method, text, nil)
	select {
	case r := <-c.Done:
		return r.Result, r.Err
	case <-ctx.Done():
		p.Forget(c)
		return nil, context.Cause(ctx)
	}
}

// Forget gives a call up; its response is thrown away when it comes.
func (p *Peer) Forget(c *Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c.ID)
}

// Owner returns the owner of an open call, and nil for any other id.
func (p *Peer) Owner(id int64) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.open[id]; c != nil {
		return c.Owner
	}
	return nil
}

// Notify sends a notification. Params that are no JSON are left out.
func (p *Peer) Notify(method string, params any) {
	text, _ := Encode(params)
	p.out.put(func(b []byte) []byte { return appendRequest(b, 0, method, text) })
}

// Write writes what is sent, until the peer is finished or w fails.
func (p *Peer) Write(w io.Writer) error {
	for {
		lines, ok := p.out.take()
		if !ok {
			return nil
		}
		if _, err := w.Write(lines); err != nil {
			p.out.close()
			return err
		}
	}
}

// Read reads messages until r ends, which it returns nil for, or fails.
func (p *Peer) Read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(lines, p.maxLine)
		if len(line) > 0 {
			p.dispatch(line)
		}
		switch {
		case err == nil:
		case errors.Is(err, ErrLineTooLong):
			return fmt.Errorf("%w: more than %d bytes", err, p.maxLine)
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

// Finish fails every open call, and all later ones, with err. What was sent
// before is still written.
func (p *Peer) Finish(err error) {
	p.mu.Lock()
	open := p.open
	p.open, p.end = nil, err
	p.mu.Unlock()
	for _, c := range open {
		c.Done <- Response{Err: err}
	}
	p.out.close()
}

func (p *Peer) dispatch(line []byte) {
	m, ok := decode(line)
	switch {
	case !ok:
		if p.handlers.Rubbish != nil {
			p.handlers.Rubbish(line)
		}
	case m.Method == "":
		p.deliver(m)
	case m.ID == nil:
		if p.handlers.Notify != nil {
			p.handlers.Notify(m.Method, m.Params)
		}
	default:
		reply := Reply{peer: p, id: bytes.Clone(m.ID)}
		if p.handlers.Request == nil {
			reply.Error(NoMethod(m.Method))
			return
		}
		p.handlers.Request(m.Method, m.Params, reply)
	}
}

func (p *Peer) deliver(m message) {
	id, err := strconv.ParseInt(string(m.ID), 10, 64)
	if err != nil {
		return
	}
	p.mu.Lock()
	c := p.open[id]
	delete(p.open, id)
	p.mu.Unlock()
	switch {
	case c == nil:
	case m.Error != nil:
		c.Done <- Response{Err: m.Error}
	case m.Result == nil:
		c.Done <- Response{Result: null}
	default:
		c.Done <- Response{Result: bytes.Clone(m.Result)}
	}
}

// Reply answers one request.
type Reply struct {
	peer *Peer
	id   json.RawMessage
}

// ID is the request's id, 0 if it is no whole number.
func (r Reply) ID() int64 {
	id, _ := strconv.ParseInt(string(r.id), 10, 64)
	return id
}

// Result answers with a value.
func (r Reply) Result(value any) {
	text, err := Encode(value)
	if err != nil {
		r.Error(err)
		return
	}
	if len(text) == 0 {
		text = null
	}
	r.peer.out.put(func(b []byte) []byte { return appendResult(b, r.id, text) })
}

// Error answers with an error: itself if it is an [*Error].
func (r Reply) Error(err error) {
	known, ok := errors.AsType[*Error](err)
	if !ok {
		known = &Error{Code: CodeInternal, Message: err.Error()}
	}
	r.peer.out.put(func(b []byte) []byte { return appendError(b, r.id, known) })
}

// Either answers with the error, if there is one, and else with the value.
func (r Reply) Either(value any, err error) {
	if err != nil {
		r.Error(err)
		return
	}
	r.Result(value)
}

// NoMethod is the error for a request with a method that nobody knows.
func NoMethod(method string) *Error {
	return &Error{Code: CodeNoMethod, Message: "no such method: " + method}
}

// readLine returns the next line without its end. The line is valid until the
// next read if it fits the reader's buffer, and for ever if not.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(long) > limit {
				return nil, ErrLineTooLong
			}
			line, err = r.ReadSlice('\n')
			long = append(long, line...)
		}
		line = long
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	if len(line) > limit {
		return nil, ErrLineTooLong
	}
	return line, err
}
