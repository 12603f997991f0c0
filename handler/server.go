package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// protocolVersion is that of the worker's package runtime, which documents it.
const protocolVersion = 2

// maxLine bounds a message of the worker, which is trusted: a job's data may be large.
const maxLine = 1 << 30

// server answers a worker's requests.
type server struct {
	definitions []*Definition
	byName      map[string]*Definition
	peer        *linerpc.Peer
	// maxResult bounds a result, in bytes. It is set before the first job.
	maxResult int

	mu    sync.Mutex
	calls map[int64]context.CancelCauseFunc // guarded by mu; of the running jobs
}

func newServer(definitions []*Definition, byName map[string]*Definition) *server {
	s := &server{definitions: definitions, byName: byName, calls: map[int64]context.CancelCauseFunc{}}
	s.peer = linerpc.New(linerpc.Handlers{Notify: s.onNotify, Request: s.onRequest}, maxLine)
	return s
}

// errWorkerGone ends the jobs of a program whose worker does not listen any more.
var errWorkerGone = errors.New("the worker has ended the connection")

// serve serves until the worker ends the connection.
func (s *server) serve(in io.Reader, out io.Writer) error {
	written := make(chan error, 1)
	go func() { written <- s.peer.Write(out) }()
	err := s.peer.Read(in)
	s.peer.Finish(errWorkerGone)
	s.mu.Lock()
	for _, cancel := range s.calls {
		cancel(errWorkerGone)
	}
	s.mu.Unlock()
	return errors.Join(err, <-written)
}

func (s *server) onNotify(method string, params json.RawMessage) {
	var p struct {
		Call   int64  `json:"call"`
		Reason string `json:"reason"`
	}
	if method != "cancel" || json.Unmarshal(params, &p) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.calls[p.Call]; cancel != nil {
		cancel(errors.New(p.Reason))
	}
}

func (s *server) onRequest(method string, params json.RawMessage, reply linerpc.Reply) {
	switch method {
	case "initialize":
		s.initialize(params, reply)
	case "execute":
		s.execute(params, reply)
	case "ping":
		reply.Result(nil)
	default:
		reply.Error(linerpc.NoMethod(method))
	}
}

func (s *server) initialize(params json.RawMessage, reply linerpc.Reply) {
	var p struct {
		Protocol       int `json:"protocol"`
		MaxResultBytes int `json:"maxResultBytes"`
	}
	if err := json.Unmarshal(params, &p); err != nil {
		reply.Error(&linerpc.Error{Code: linerpc.CodeParams, Message: err.Error()})
		return
	}
	if p.Protocol != protocolVersion {
		reply.Error(fmt.Errorf("the worker speaks protocol %d and this program %d; build it with the SDK of the worker's version",
			p.Protocol, protocolVersion))
		return
	}
	s.maxResult = p.MaxResultBytes
	reply.Result(map[string]any{"protocol": protocolVersion, "handlers": describeAll(s.definitions), "dependencies": []string{}})
}

// executeParams are the parameters of an execute request.
type executeParams struct {
	Handler string `json:"handler"`
	Job     struct {
		*Job
		TimestampMS int64           `json:"timestamp"`
		State       json.RawMessage `json:"state"`
	} `json:"job"`
}

func (s *server) execute(params json.RawMessage, reply linerpc.Reply) {
	var p executeParams
	if err := json.Unmarshal(params, &p); err != nil || p.Job.Job == nil {
		reply.Error(&linerpc.Error{Code: linerpc.CodeParams, Message: fmt.Sprintf("the job cannot be read: %v", err)})
		return
	}
	d := s.byName[p.Handler]
	if d == nil {
		reply.Error(fmt.Errorf("the program has no handler %q", p.Handler))
		return
	}
	p.Job.Timestamp = time.UnixMilli(p.Job.TimestampMS)
	ctx, cancel := context.WithCancelCause(context.Background())
	s.mu.Lock()
	s.calls[reply.ID()] = cancel
	s.mu.Unlock()
	go func() {
		defer s.over(reply.ID(), cancel)
		job := &remoteContext{Context: ctx, peer: s.peer, call: reply.ID(), job: p.Job.Job, state: p.Job.State}
		result, err := s.run(d, job)
		job.settled.Store(true)
		if err != nil {
			reply.Error(toWire(err))
			return
		}
		reply.Result(result)
	}()
}

func (s *server) over(call int64, cancel context.CancelCauseFunc) {
	cancel(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.calls, call)
}

// run runs a handler and checks its result.
func (s *server) run(d *Definition, ctx Context) (result json.RawMessage, err error) {
	defer func() {
		if v := recover(); v != nil {
			message := fmt.Sprint("panic: ", v)
			err = &bullmq.NamedError{Name: "panic", Message: message, Stack: message + "\n" + panicStack()}
		}
	}()
	if result, err = d.Run(ctx); err != nil {
		return nil, err
	}
	if len(result) > s.maxResult {
		return nil, fmt.Errorf("the result has %d bytes as JSON, more than the %d allowed; store it elsewhere and return where",
			len(result), s.maxResult)
	}
	return result, nil
}

// panicStack is the stack of the panic that is being recovered from, beginning
// with where it came from: what follows Go's own frames for it.
func panicStack() string {
	stack := string(debug.Stack())
	_, after, found := strings.Cut(stack, "\npanic(")
	if !found {
		return stack
	}
	for range 2 { // the rest of the frame's two lines
		if _, rest, ok := strings.Cut(after, "\n"); ok {
			after = rest
		}
	}
	return after
}
