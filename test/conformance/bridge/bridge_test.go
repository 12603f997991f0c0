package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// startServer serves a Redis server's queues on a socket until the test ends.
func startServer(t *testing.T) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "bridge") //nolint:usetesting // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	socket = filepath.Join(dir, "s")
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "unix", socket)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	s := &server{redisURL: testenv.RedisURL(t), log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	go func() { ended <- s.serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(30 * time.Second):
			t.Error("the server does not end")
		}
	})
	return socket
}

// TestNodeAPI runs the tests of the folder node, in which npm bullmq's classes
// work on the engine.
func TestNodeAPI(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "run", "--silent", "test")
	cmd.Env = append(os.Environ(), "BRIDGE_SOCKET="+startServer(t))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func dial(t *testing.T, socket string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestServerEndsWithClientsConnected(t *testing.T) {
	conn := dial(t, startServer(t))
	lines := `{"id":1,"queue":"bull:idle","method":"open","params":{"worker":"w"}}
{"id":2,"queue":"bull:idle","method":"waitForJob","params":{"timeout":3600000}}
{"id":3,"queue":"bull:idle","method":"readEvents","params":{"after":"$","timeout":3600000}}
`
	_, err := conn.Write([]byte(lines))
	require.NoError(t, err)
	// The first reply says that the session is open; its waits go on while the
	// server ends.
	_, err = conn.Read(make([]byte, 1))
	require.NoError(t, err)
}

func TestOneClientMayNotWaitTooOften(t *testing.T) {
	conn := dial(t, startServer(t))
	replies := json.NewDecoder(conn)
	requests := json.NewEncoder(conn)
	require.NoError(t, requests.Encode(request{ID: 1, Queue: "bull:idle", Method: "open", Params: []byte(`{"worker":""}`)}))
	for id := range uint64(maxWaiting + 1) {
		require.NoError(t, requests.Encode(request{
			ID: 2 + id, Queue: "bull:idle", Method: "readEvents", Params: []byte(`{"after":"$","timeout":3600000}`),
		}))
	}
	var opened, refused reply
	require.NoError(t, replies.Decode(&opened))
	require.Nil(t, opened.Error)
	require.NoError(t, replies.Decode(&refused))
	require.Equal(t, reply{ID: 2 + maxWaiting, Error: &replyError{Message: "too many requests are waiting"}}, refused)
}

func TestLineThatIsTooLongEndsTheClient(t *testing.T) {
	conn := dial(t, startServer(t))
	spaces := bytes.Repeat([]byte(" "), 1<<20)
	var err error
	for range maxLine/len(spaces) + 1 {
		if _, err = conn.Write(spaces); err != nil {
			break // Dropped already.
		}
	}
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	require.Error(t, err)
}
