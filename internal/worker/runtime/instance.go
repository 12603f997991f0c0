package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// instance is one child process with the calls that run in it.
type instance struct {
	proc *process
	peer *peer
	log  *slog.Logger
	// retire is called when the child asks to be given no further jobs.
	retire func(i *instance, reason string)
	// loops are the goroutines that talk to the child.
	loops sync.WaitGroup
	lines lineLimiter
	// gone is closed when the process has ended and all its calls have failed.
	gone chan struct{}

	mu       sync.Mutex
	calls    map[int64]handler.Context // guarded by mu; running execute calls
	lastLine string                    // guarded by mu; of stderr
	ended    string                    // guarded by mu; why we ended it, if we did

	// The host's part, guarded by its mu.
	running int  // jobs given to it
	retired bool // gets no further jobs
}

// maxLogLine bounds a line of a child's stderr, in bytes.
const maxLogLine = 4 << 10

func startInstance(c command, maxLine int, log *slog.Logger, retire func(*instance, string)) (*instance, error) {
	proc, err := startProcess(c)
	if err != nil {
		return nil, err
	}
	i := &instance{
		proc: proc, log: log.With(slog.Int("pid", proc.pid())), retire: retire,
		gone: make(chan struct{}), calls: map[int64]handler.Context{},
	}
	i.peer = newPeer(peerHandlers{notify: i.onNotify, request: i.onRequest, rubbish: i.onRubbish}, maxLine)
	i.loops.Go(func() { i.peer.writeLoop(proc.stdin) })
	go i.serve()
	return i, nil
}

// serve reads what the child writes until it is gone.
func (i *instance) serve() {
	var output sync.WaitGroup
	output.Go(func() {
		if err := i.peer.readLoop(i.proc.stdout); errors.Is(err, errLineTooLong) {
			i.end("was ended because of what it wrote to stdout: " + err.Error())
		}
	})
	output.Go(func() { eachLine(i.proc.stderr, maxLogLine, i.onStderr) })
	go func() {
		output.Wait()
		close(i.proc.readers)
	}()
	<-i.proc.done
	<-i.proc.readers // the pipes are closed now
	i.peer.finish(i.crash())
	_ = i.proc.stdin.Close()
	i.loops.Wait()
	close(i.gone)
}

// crash says why calls in the ended process failed.
func (i *instance) crash() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	reason := i.ended
	if reason == "" {
		reason = exitReason(i.proc.status)
	}
	return &CrashError{Reason: reason, LastOutput: i.lastLine}
}

// end kills the process group, once, for a reason that its jobs will name.
func (i *instance) end(reason string) {
	i.mu.Lock()
	if i.ended == "" {
		i.ended = reason
	}
	i.mu.Unlock()
	i.proc.signalAlive(syscall.SIGKILL)
}

// stop ends an instance without jobs, and waits for it.
func (i *instance) stop(grace time.Duration) {
	i.proc.stop(grace)
	<-i.gone
}

// initialize has the child load its module and describe it.
func (i *instance) initialize(ctx context.Context, params initializeParams) (*initializeResult, error) {
	text, err := i.peer.ask(ctx, "initialize", params)
	if err != nil {
		return nil, err
	}
	var result initializeResult
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, fmt.Errorf("the host shim described the module in a way that cannot be read: %w", err)
	}
	if result.Protocol != protocolVersion {
		return nil, fmt.Errorf("the host shim speaks protocol %d, not %d", result.Protocol, protocolVersion)
	}
	return &result, nil
}

// execute begins a job. The caller must call finished with the id when it no
// longer wants the job's notifications.
func (i *instance) execute(ctx handler.Context, name string) (int64, <-chan response) {
	job := ctx.Job()
	params := executeParams{Handler: name, Job: executeJob{job, job.Timestamp.UnixMilli()}}
	// Held over the call, so that the first notification finds its context.
	i.mu.Lock()
	defer i.mu.Unlock()
	id, answer := i.peer.call("execute", params)
	i.calls[id] = ctx
	return id, answer
}

func (i *instance) finished(id int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.calls, id)
}

func (i *instance) callContext(id int64) handler.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls[id]
}

// onNotify handles a notification. One for a call that is over is ignored: the
// handler may have left something running.
func (i *instance) onNotify(method string, params json.RawMessage) {
	var p childParams
	if json.Unmarshal(params, &p) != nil {
		return
	}
	if method == "retire" {
		i.retire(i, p.Reason)
		return
	}
	ctx := i.callContext(p.Call)
	if ctx == nil {
		return
	}
	switch method {
	case "progress":
		if p.Value != nil {
			ctx.Progress(p.Value)
		}
	case "log":
		ctx.Log(p.Line)
	}
}

func (i *instance) onRequest(method string, params json.RawMessage, reply func(any, error)) {
	var p childParams
	_ = json.Unmarshal(params, &p)
	ctx := i.callContext(p.Call)
	switch {
	case method != "childrenValues":
		reply(nil, &rpcError{Code: codeNoMethod, Message: "no such method: " + method})
	case ctx == nil:
		reply(nil, errors.New("the job is over"))
	default:
		i.loops.Go(func() {
			values, err := ctx.ChildrenValues()
			reply(values, err)
		})
	}
}

// onRubbish takes a line of stdout that is no message: something in the module
// writes there past the shim. It is treated as log output.
func (i *instance) onRubbish(line []byte) {
	i.output("stdout", string(line[:min(len(line), maxLogLine)]))
}

func (i *instance) onStderr(line string) {
	line = strings.TrimRight(line, "\r\n")
	if line != "" && !strings.HasPrefix(line, "Node.js v") { // what node prints below each crash
		i.mu.Lock()
		i.lastLine = line
		i.mu.Unlock()
	}
	i.output("stderr", line)
}

// output logs a line that the child wrote outside of its jobs.
func (i *instance) output(stream, line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	ok, dropped := i.lines.allow(time.Now())
	if dropped > 0 {
		i.log.Warn("handler output was dropped, it came too fast", slog.Int("lines", dropped))
	}
	if ok {
		i.log.Info("handler output", slog.String("stream", stream), slog.String("line", line))
	}
}
