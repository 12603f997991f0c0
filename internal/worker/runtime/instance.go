package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// instanceEvents are called for what a child says that is about no call. They
// must not block.
type instanceEvents struct {
	// retire: the child asks to be given no further jobs.
	retire func(i *instance, reason string)
	// imported: the module has imported further local files.
	imported func(files []string)
}

// instance is one child process with the calls that run in it.
type instance struct {
	proc   *process
	peer   *linerpc.Peer
	log    *slog.Logger
	events instanceEvents
	// work are the goroutines that write to the child and answer its requests,
	// requests has a place for each of the latter.
	work     sync.WaitGroup
	requests chan struct{}
	lines    lineLimiter
	words    lastWords
	// gone is closed when the process has ended and all its calls have failed.
	gone chan struct{}

	mu    sync.Mutex
	ended string // guarded by mu; why we ended it, if we did

	// The host's part, guarded by its mu.
	running   int       // jobs given to it
	idleSince time.Time // when running became 0
	retired   bool      // gets no further jobs
}

const (
	// maxLogLine bounds a line of a child's stderr, in bytes.
	maxLogLine = 4 << 10
	// maxRequests is how many of a child's requests are worked on at once. One more
	// holds up what the child writes.
	maxRequests = 64
)

func startInstance(c command, maxLine int, log *slog.Logger, events instanceEvents) (*instance, error) {
	proc, err := startProcess(c)
	if err != nil {
		return nil, err
	}
	i := &instance{
		proc: proc, log: log.With(slog.Int("pid", proc.pid())), events: events,
		idleSince: time.Now(), gone: make(chan struct{}), requests: make(chan struct{}, maxRequests),
	}
	i.peer = linerpc.New(linerpc.Handlers{Notify: i.onNotify, Request: i.onRequest, Rubbish: i.onRubbish}, maxLine)
	i.work.Go(func() { _ = i.peer.Write(proc.stdin) }) // the child's end says why it failed
	go i.serve()
	return i, nil
}

// serve reads what the child writes until it is gone.
func (i *instance) serve() {
	var output sync.WaitGroup
	output.Go(func() {
		if err := i.peer.Read(i.proc.stdout); errors.Is(err, linerpc.ErrLineTooLong) {
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
	i.peer.Finish(i.crash())
	_ = i.proc.stdin.Close()
	i.work.Wait()
	close(i.gone)
}

// crash says why calls in the ended process failed.
func (i *instance) crash() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended != "" {
		return i.words.ended(i.ended)
	}
	return i.words.crash(i.proc.status)
}

// end kills the process, once, for a reason that its jobs will name.
func (i *instance) end(reason string) {
	i.mu.Lock()
	if i.ended == "" {
		i.ended = reason
	}
	i.mu.Unlock()
	i.proc.kill()
}

// stop ends an instance without jobs, and waits for it.
func (i *instance) stop(grace time.Duration) {
	i.proc.stop(grace)
	<-i.gone
}

// initialize has the child load its module and describe it.
func (i *instance) initialize(ctx context.Context, params initializeParams) (*description, error) {
	text, err := i.peer.Ask(ctx, "initialize", params)
	if err != nil {
		return nil, err
	}
	var result description
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, fmt.Errorf("the module was described in a way that cannot be read: %w", err)
	}
	if result.Protocol != protocolVersion {
		return nil, fmt.Errorf("the module's process speaks protocol %d, not %d; build it with the SDK of this version",
			result.Protocol, protocolVersion)
	}
	for n := range result.Handlers {
		h := &result.Handlers[n]
		h.DataSchema, h.ResultSchema = withoutNull(h.DataSchema), withoutNull(h.ResultSchema)
	}
	return &result, nil
}

// withoutNull makes the null that stands for no schema no schema.
func withoutNull(schema json.RawMessage) json.RawMessage {
	if string(schema) == "null" {
		return nil
	}
	return schema
}

// execute begins a job. The caller must forget the call if it no longer waits.
func (i *instance) execute(ctx handler.Context, name string) (*linerpc.Call, error) {
	state, err := ctx.State()
	if err != nil {
		return nil, err
	}
	var call *linerpc.Call
	err = encodeExecute(name, ctx.Job(), state, func(params json.RawMessage) {
		call = i.peer.Call("execute", params, ctx)
	})
	return call, err
}

// job returns the context of a running call, nil if it is over.
func (i *instance) job(call int64) handler.Context {
	ctx, _ := i.peer.Owner(call).(handler.Context)
	return ctx
}

// onNotify handles a notification. One for a call that is over is ignored: the
// handler may have left something running.
func (i *instance) onNotify(method string, params json.RawMessage) {
	var p childParams
	if json.Unmarshal(params, &p) != nil {
		return
	}
	switch method {
	case "retire":
		i.events.retire(i, p.Reason)
		return
	case "dependencies":
		i.events.imported(p.Files)
		return
	}
	ctx := i.job(p.Call)
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

// onRubbish takes a line of stdout that is no message: something in the module
// writes there past the shim. It is treated as log output.
func (i *instance) onRubbish(line []byte) {
	i.output("stdout", string(line[:min(len(line), maxLogLine)]))
}

func (i *instance) onStderr(line string) {
	line = strings.TrimRight(line, "\r\n")
	i.words.hear(line)
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
