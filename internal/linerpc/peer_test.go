package linerpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// end is one end of a connection over two pipes of the system, and what came to it.
type end struct {
	*linerpc.Peer
	in, out *os.File

	mu      sync.Mutex
	heard   []string // guarded by mu; notifications
	rubbish []string // guarded by mu
}

const maxLine = 1 << 20

// connect connects two ends, whose streams are closed with the test.
func connect(t *testing.T) (a, b *end) {
	t.Helper()
	r1, w1, err := os.Pipe()
	require.NoError(t, err)
	r2, w2, err := os.Pipe()
	require.NoError(t, err)
	a, b = &end{in: r1, out: w2}, &end{in: r2, out: w1}
	for _, e := range []*end{a, b} {
		e.Peer = linerpc.New(linerpc.Handlers{Notify: e.notify, Request: e.request, Rubbish: e.onRubbish}, maxLine)
		var loops sync.WaitGroup
		loops.Go(func() { _ = e.Write(e.out) })
		loops.Go(func() { e.Finish(errors.Join(errEnded, e.Read(e.in))) })
		t.Cleanup(func() {
			_ = e.out.Close()
			e.Finish(errEnded)
			loops.Wait()
		})
		t.Cleanup(func() { _ = e.in.Close() })
	}
	return a, b
}

var errEnded = errors.New("the connection has ended")

func (e *end) notify(method string, params json.RawMessage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, method+" "+string(params))
}

func (e *end) onRubbish(line []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rubbish = append(e.rubbish, string(line))
}

func (e *end) request(method string, params json.RawMessage, reply linerpc.Reply) {
	switch method {
	case "echo":
		reply.Result(json.RawMessage(bytes.Clone(params)))
	case "nothing":
		reply.Result(nil)
	case "fail":
		reply.Error(&linerpc.Error{Code: linerpc.CodeThrown, Message: "no paper left", Data: json.RawMessage(`{"n":1}`)})
	case "fail plainly":
		reply.Either("unused", errors.New("no paper left"))
	case "never":
	default:
		reply.Error(linerpc.NoMethod(method))
	}
}

func (e *end) got(list *[]string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), *list...)
}

func TestCallsGoBothWays(t *testing.T) {
	t.Parallel()
	a, b := connect(t)
	for _, e := range []*end{a, b} {
		result, err := e.Ask(t.Context(), "echo", map[string]any{"html": "<&>", "text": "a\nb"})
		require.NoError(t, err)
		require.JSONEq(t, `{"html":"<&>","text":"a\nb"}`, string(result))
		result, err = e.Ask(t.Context(), "nothing", nil)
		require.NoError(t, err)
		require.Equal(t, "null", string(result))
	}
}

func TestAnErrorKeepsItsData(t *testing.T) {
	t.Parallel()
	a, _ := connect(t)
	_, err := a.Ask(t.Context(), "fail", nil)
	require.Equal(t, &linerpc.Error{Code: linerpc.CodeThrown, Message: "no paper left", Data: json.RawMessage(`{"n":1}`)}, err)
	_, err = a.Ask(t.Context(), "fail plainly", nil)
	require.Equal(t, &linerpc.Error{Code: linerpc.CodeInternal, Message: "no paper left"}, err)
	_, err = a.Ask(t.Context(), "unknown", nil)
	require.ErrorContains(t, err, "no such method: unknown")
	_, err = a.Ask(t.Context(), "echo", json.RawMessage(`{"half":`))
	require.ErrorContains(t, err, "not JSON")
}

func TestManyCallsAtOnceGetTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	a, b := connect(t)
	var callers sync.WaitGroup
	errs := make(chan error, 100)
	for n := range 100 {
		callers.Go(func() {
			for m := range 50 {
				text := fmt.Sprintf("[%d,%d,%q]", n, m, strings.Repeat("x", n*m))
				result, err := []*end{a, b}[n%2].Ask(t.Context(), "echo", json.RawMessage(text))
				if err != nil || string(result) != text {
					errs <- fmt.Errorf("%s: %w", text, err)
					return
				}
			}
		})
	}
	callers.Wait()
	require.Empty(t, errs)
}

func TestAnOpenCallHasItsOwner(t *testing.T) {
	t.Parallel()
	a, _ := connect(t)
	call := a.Call("never", nil, "me")
	require.Equal(t, "me", a.Owner(call.ID))
	require.Nil(t, a.Owner(call.ID+1))
	a.Forget(call)
	require.Nil(t, a.Owner(call.ID))
}

func TestACallEndsWithItsContextOrItsConnection(t *testing.T) {
	t.Parallel()
	a, b := connect(t)
	errStop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStop)
	_, err := a.Ask(ctx, "never", nil)
	require.ErrorIs(t, err, errStop)

	open := a.Call("never", nil, nil)
	require.NoError(t, b.out.Close())
	require.ErrorIs(t, (<-open.Done).Err, errEnded)
	_, err = a.Ask(t.Context(), "echo", nil)
	require.ErrorIs(t, err, errEnded)
	require.Zero(t, a.Call("echo", nil, nil).ID, "it was never sent")
}

func TestNotificationsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	a, b := connect(t)
	var want []string
	for n := range 1000 {
		a.Notify("n", n)
		want = append(want, fmt.Sprint("n ", n))
	}
	require.Eventually(t, func() bool { return len(b.got(&b.heard)) == len(want) }, 10*time.Second, time.Millisecond)
	require.Equal(t, want, b.got(&b.heard))
}

func TestLinesThatAreNoMessagesAreTold(t *testing.T) {
	t.Parallel()
	a, b := connect(t)
	lines := []string{"rubbish", `{"jsonrpc":"1.0","id":1,"result":1}`, `{"half":`, `[1]`, `{"jsonrpc":"2.0","id":1,"result":1,"x"}`}
	_, err := io.WriteString(a.out, strings.Join(lines, "\n")+"\n\n \n")
	require.NoError(t, err)
	result, err := a.Ask(t.Context(), "echo", json.RawMessage(`1`))
	require.NoError(t, err)
	require.Equal(t, "1", string(result))
	require.Equal(t, append(lines, " "), b.got(&b.rubbish))
}

func TestALineBeyondTheLimitEndsTheReading(t *testing.T) {
	t.Parallel()
	p := linerpc.New(linerpc.Handlers{}, 100)
	require.NoError(t, p.Read(strings.NewReader(strings.Repeat("x", 100)+"\n")))
	require.ErrorIs(t, p.Read(strings.NewReader(strings.Repeat("x", 101)+"\n")), linerpc.ErrLineTooLong)
	require.ErrorIs(t, p.Read(io.LimitReader(endless{}, 1<<30)), linerpc.ErrLineTooLong)
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestAPeerThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	p := linerpc.New(linerpc.Handlers{}, maxLine)
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- p.Write(w) }()
	for range 1000 {
		p.Notify("n", strings.Repeat("x", 1000))
	}
	require.NoError(t, r.Close())
	require.Error(t, <-done)
	p.Notify("n", 1) // to nobody
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`{"jsonrpc":"2.0","id":1,"result":{"a":1}}`, `{"jsonrpc":"2.0","method":"m","params":[1]}`,
		`{"jsonrpc":"2.0","id":1,"method":"echo","params":1}`, `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}`,
		"\n\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1", `{"jsonrpc":"2.0","id":99999999999999999999,"result":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e := &end{}
		p := linerpc.New(linerpc.Handlers{Notify: e.notify, Request: e.request, Rubbish: e.onRubbish}, maxLine)
		call := p.Call("never", nil, nil)
		require.NoError(t, p.Read(bytes.NewReader(text)))
		p.Finish(errEnded)
		if r := <-call.Done; r.Err == nil {
			require.True(t, json.Valid(r.Result), "%q", r.Result)
		}
	})
}
