package runtime

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
)

// peerHandlers is what a peer does with messages it did not ask for. Each is
// called from the read loop, in the order of the lines, and must not block.
type peerHandlers struct {
	notify  func(method string, params json.RawMessage)
	request func(method string, params json.RawMessage, reply func(any, error))
	rubbish func(line []byte)
}

// peer is one end of a JSON-RPC 2.0 connection with one message a line. Calls
// go both ways.
type peer struct {
	handlers peerHandlers
	maxLine  int

	out outbox

	mu      sync.Mutex
	lastID  int64                     // guarded by mu
	pending map[int64]chan<- response // guarded by mu; nil after the end
	end     error                     // guarded by mu
}

// response is the answer to a call: a result, or an error from the other side.
type response struct {
	result json.RawMessage
	err    error
}

func newPeer(handlers peerHandlers, maxLine int) *peer {
	return &peer{handlers: handlers, maxLine: maxLine, out: newOutbox(), pending: map[int64]chan<- response{}}
}

// errLineTooLong says that the other side sent a line beyond the limit.
var errLineTooLong = errors.New("line is too long")

// call sends a request and returns its id and where its one response will
// arrive. Every call gets one, at the latest when the connection ends.
func (p *peer) call(method string, params any) (int64, <-chan response) {
	answer := make(chan response, 1)
	text, err := encodeParams(params)
	if err != nil {
		answer <- response{err: err}
		return 0, answer
	}
	p.mu.Lock()
	if p.pending == nil {
		end := p.end
		p.mu.Unlock()
		answer <- response{err: end}
		return 0, answer
	}
	p.lastID++
	id := p.lastID
	p.pending[id] = answer
	p.mu.Unlock()
	p.send(message{ID: strconv.AppendInt(nil, id, 10), Method: method, Params: text})
	return id, answer
}

// ask is call for those who wait at once.
func (p *peer) ask(ctx context.Context, method string, params any) (json.RawMessage, error) {
	id, answer := p.call(method, params)
	select {
	case r := <-answer:
		return r.result, r.err
	case <-ctx.Done():
		p.forget(id)
		return nil, context.Cause(ctx)
	}
}

// forget gives a call up; its response is thrown away when it comes.
func (p *peer) forget(id int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pending, id)
}

// notify sends a notification. It does not block.
func (p *peer) notify(method string, params any) {
	text, err := encodeParams(params)
	if err != nil {
		return // the package's own parameters always encode
	}
	p.send(message{Method: method, Params: text})
}

func (p *peer) send(m message) {
	line, err := encodeLine(m)
	if err != nil {
		line, _ = encodeLine(message{ID: m.ID, Error: &rpcError{Code: codeInternal, Message: err.Error()}})
	}
	p.out.put(line)
}

// writeLoop writes what is sent until the outbox is closed or w fails.
func (p *peer) writeLoop(w io.Writer) {
	for {
		lines, ok := p.out.take()
		if !ok {
			return
		}
		if _, err := w.Write(lines); err != nil {
			p.out.close()
			return
		}
	}
}

// readLoop reads messages until r ends, then fails all open calls. It returns
// nil at the end of the stream.
func (p *peer) readLoop(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(lines, p.maxLine)
		if len(line) > 0 {
			p.dispatch(line)
		}
		if err != nil {
			if errors.Is(err, errLineTooLong) {
				return fmt.Errorf("%w: more than %d bytes", err, p.maxLine)
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// finish fails every open call, and all later ones, with err.
func (p *peer) finish(err error) {
	p.mu.Lock()
	pending := p.pending
	p.pending, p.end = nil, err
	p.mu.Unlock()
	for _, answer := range pending {
		answer <- response{err: err}
	}
	p.out.close()
}

func (p *peer) dispatch(line []byte) {
	m, ok := decodeLine(line)
	switch {
	case !ok:
		p.handlers.rubbish(line)
	case m.Method != "" && m.ID == nil:
		p.handlers.notify(m.Method, m.Params)
	case m.Method != "":
		p.handlers.request(m.Method, m.Params, func(result any, err error) { p.reply(m.ID, result, err) })
	default:
		p.deliver(m)
	}
}

func (p *peer) reply(id json.RawMessage, result any, err error) {
	m := message{ID: id}
	if err == nil {
		m.Result, err = encodeParams(result)
		if m.Result == nil {
			m.Result = null
		}
	}
	if err != nil {
		var known *rpcError
		if !errors.As(err, &known) {
			known = &rpcError{Code: codeInternal, Message: err.Error()}
		}
		m.Result, m.Error = nil, known
	}
	p.send(m)
}

func (p *peer) deliver(m message) {
	id, err := strconv.ParseInt(string(m.ID), 10, 64)
	if err != nil {
		return
	}
	p.mu.Lock()
	answer := p.pending[id]
	delete(p.pending, id)
	p.mu.Unlock()
	switch {
	case answer == nil:
	case m.Error != nil:
		answer <- response{err: m.Error}
	case m.Result == nil:
		answer <- response{result: null}
	default:
		answer <- response{result: m.Result}
	}
}

// readLine returns the next line without its end. The line is valid until the
// next read if it fits the reader's buffer, and for ever if not.
func readLine(r *bufio.Reader, limit int) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := append([]byte(nil), line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(long) > limit {
				return nil, errLineTooLong
			}
			line, err = r.ReadSlice('\n')
			long = append(long, line...)
		}
		line = long
	}
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if len(line) > limit {
		return nil, errLineTooLong
	}
	return line, err
}
