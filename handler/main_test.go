package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// programEnv makes the test program one of handlers: its value says which.
const programEnv = "JOBRUNNER_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(programEnv) {
	case "faulty":
		handler.Main(handler.Must(handler.New("faulty", faulty, nil)), handler.Must(handler.New("other", faulty, nil)))
	case "none":
		handler.Main()
	case "twice":
		d := handler.Must(handler.New("faulty", faulty, nil))
		handler.Main(d, d)
	}
	testenv.Main(m)
}

// faulty does on demand what handlers do, and what they should not.
func faulty(ctx handler.Context, fault string) (any, error) {
	switch fault {
	case "job":
		return ctx.Job(), nil
	case "prints":
		_, err := fmt.Fprintln(os.Stdout, "not a message")
		return "fine", err
	case "reports":
		ctx.Log("a line")
		ctx.Progress(50)
		ctx.Progress(func() {}) // not JSON
	case "panics":
		panic("oh no")
	case "fails":
		return nil, fmt.Errorf("while printing: %w", &bullmq.NamedError{Name: "OutOfPaper", Message: "no paper left", Stack: "a stack"})
	case "delays":
		return nil, bullmq.DelayJob(1500 * time.Microsecond)
	case "too large":
		return strings.Repeat("x", 1000), nil
	case "waits":
		ctx.Log("ready")
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case "asks":
		values, err := ctx.ChildrenValues()
		return values, err
	case "leaves":
		go func() {
			time.Sleep(10 * time.Millisecond)
			ctx.Log("too late")
			_, err := ctx.ChildrenValues()
			_, _ = fmt.Fprintln(os.Stderr, err)
		}()
	}
	return nil, nil
}

// worker is the other end of a program of handlers.
type worker struct {
	*linerpc.Peer
	t     *testing.T
	stdin io.Closer
	ended chan struct{}

	mu     sync.Mutex
	heard  []string     // guarded by mu; notifications and requests
	stderr bytes.Buffer // read when the program has ended
}

// startProgram starts the test program as one of handlers, which ends with the test.
func startProgram(t *testing.T) *worker {
	t.Helper()
	w := &worker{t: t, ended: make(chan struct{})}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), programEnv+"=faulty")
	cmd.Stderr = &w.stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	w.stdin = stdin
	w.Peer = linerpc.New(linerpc.Handlers{
		Notify: func(method string, params json.RawMessage) { w.hear(method + " " + string(params)) },
		Request: func(method string, params json.RawMessage, reply linerpc.Reply) {
			w.hear(method + " " + string(params))
			reply.Result(map[string]int{"bull:q:1": 2})
		},
		Rubbish: func(line []byte) { w.hear("rubbish " + string(line)) },
	}, 1<<20)
	var loops sync.WaitGroup
	loops.Go(func() { _ = w.Write(stdin) })
	loops.Go(func() { w.Finish(errors.Join(io.ErrUnexpectedEOF, w.Read(stdout))) })
	go func() {
		loops.Wait()
		_ = cmd.Wait()
		close(w.ended)
	}()
	t.Cleanup(func() {
		_ = stdin.Close()
		<-w.ended
	})
	return w
}

func (w *worker) hear(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, what)
}

func (w *worker) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.heard...)
}

func (w *worker) initialize() json.RawMessage {
	w.t.Helper()
	result, err := w.Ask(w.t.Context(), "initialize", map[string]int{"protocol": 2, "maxResultBytes": 900})
	require.NoError(w.t, err)
	return result
}

func execute(fault string) map[string]any {
	return map[string]any{"handler": "faulty", "job": map[string]any{
		"id": "7", "queue": "q", "prefix": "bull", "name": "faulty", "data": fault, "opts": map[string]int{"attempts": 3},
		"attempt": 2, "maxAttempts": 3, "attemptsStarted": 4, "priority": 5, "timestamp": 1_700_000_000_000,
		"parent": map[string]string{"id": "1", "queue": "bull:p"},
	}}
}

func (w *worker) run(fault string) (string, error) {
	w.t.Helper()
	result, err := w.Ask(w.t.Context(), "execute", execute(fault))
	return string(result), err
}

func TestAProgramServesItsWorker(t *testing.T) {
	t.Parallel()
	w := startProgram(t)
	require.Contains(t, string(w.initialize()), `"name":"faulty"`)
	result, err := w.run("job")
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"7","queue":"q","prefix":"bull","name":"faulty","data":"job","opts":{"attempts":3},"attempt":2,
		"maxAttempts":3,"attemptsStarted":4,"priority":5,"parent":{"id":"1","queue":"bull:p"}}`, result)
	_, err = w.Ask(t.Context(), "ping", nil)
	require.NoError(t, err)
	result, err = w.run("asks")
	require.NoError(t, err)
	require.JSONEq(t, `{"bull:q:1":2}`, result)
	result, err = w.run("prints")
	require.NoError(t, err)
	require.Equal(t, `"fine"`, result)
	_, err = w.run("reports")
	require.NoError(t, err)
	require.Equal(t, []string{
		`childrenValues {"call":4}`, `log {"call":6,"line":"a line"}`, `progress {"call":6,"value":50}`,
		`log {"call":6,"line":"progress was not stored: json: unsupported type: func()"}`,
	}, w.all(), "and what it prints is no message")
}

func TestAProgramSaysWhatBecomesOfAJob(t *testing.T) {
	t.Parallel()
	w := startProgram(t)
	w.initialize()
	for fault, want := range map[string]struct{ message, data string }{
		"fails":     {"while printing: no paper left", `{"name":"OutOfPaper","stack":"a stack"}`},
		"delays":    {"job is delayed for 1.5ms", `{"name":"Error","delay":1.5}`},
		"too large": {"the result has 1002 bytes as JSON, more than the 900 allowed; store it elsewhere and return where", `{"name":"Error"}`},
	} {
		_, err := w.run(fault)
		var rpc *linerpc.Error
		require.ErrorAs(t, err, &rpc, fault)
		require.Equal(t, want.message, rpc.Message)
		require.JSONEq(t, want.data, string(rpc.Data))
	}
	_, err := w.run("panics")
	var rpc *linerpc.Error
	require.ErrorAs(t, err, &rpc)
	require.Equal(t, "panic: oh no", rpc.Message)
	require.Regexp(t, `"panic: oh no\\ngithub.com/jobrunner-dev/jobrunner/handler_test.faulty`, string(rpc.Data))

	_, err = w.Ask(t.Context(), "execute", map[string]any{"handler": "gone", "job": map[string]any{"opts": map[string]any{}}})
	require.EqualError(t, err, `the program has no handler "gone"`)
	_, err = w.Ask(t.Context(), "execute", map[string]any{"handler": "faulty"})
	require.ErrorContains(t, err, "the job cannot be read")
	_, err = w.Ask(t.Context(), "initialize", map[string]int{"protocol": 3})
	require.ErrorContains(t, err, "build it with the SDK of the worker's version")
}

func TestAJobIsCancelledAndOthersGoOn(t *testing.T) {
	t.Parallel()
	w := startProgram(t)
	w.initialize()
	params, err := linerpc.Encode(execute("waits"))
	require.NoError(t, err)
	call := w.Call("execute", params, nil)
	require.Eventually(t, func() bool { return len(w.all()) > 0 }, 5*time.Second, time.Millisecond)
	w.Notify("cancel", map[string]any{"call": call.ID + 1, "reason": "not this one"})
	_, err = w.run("fine")
	require.NoError(t, err)
	w.Notify("cancel", map[string]any{"call": call.ID, "reason": "enough"})
	require.EqualError(t, (<-call.Done).Err, "enough")
}

func TestAProgramEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	w := startProgram(t)
	w.initialize()
	params, err := linerpc.Encode(execute("waits"))
	require.NoError(t, err)
	call := w.Call("execute", params, nil)
	require.NoError(t, w.stdin.Close())
	select {
	case <-w.ended:
	case <-time.After(5 * time.Second):
		require.Fail(t, "the program goes on")
	}
	<-call.Done
}

func TestWhatAHandlerLeavesBehindIsNotHeard(t *testing.T) {
	t.Parallel()
	w := startProgram(t)
	w.initialize()
	_, err := w.run("leaves")
	require.NoError(t, err)
	time.AfterFunc(200*time.Millisecond, func() { _ = w.stdin.Close() })
	<-w.ended
	require.Empty(t, w.all())
	require.Equal(t, "the job is over: the handler has returned\n", w.stderr.String())
}

func TestAProgramRefusesHandlersThatCannotBe(t *testing.T) {
	t.Parallel()
	for program, message := range map[string]string{
		"none": "needs at least one handler", "twice": `two handlers named "faulty"`,
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), programEnv+"="+program)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), message)
	}
	require.Panics(t, func() { handler.Must(handler.New[any, any]("x", nil, nil)) })
}
