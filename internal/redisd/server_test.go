package redisd_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/redisd"
)

func start(t *testing.T, dir string) *redisd.Server {
	t.Helper()
	server, err := redisd.Start(t.Context(), redisd.Options{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	return server
}

func connect(serverURL string) (rueidis.Client, error) {
	opt, err := rueidis.ParseURL(serverURL)
	if err != nil {
		return nil, err
	}
	opt.DisableCache = true
	opt.DisableRetry = true
	// A client that has tried for a cluster leaves a sleeping goroutine behind.
	opt.ForceSingleClient = true
	return rueidis.NewClient(opt)
}

// do runs one command on a connection of its own.
func do(ctx context.Context, serverURL string, command ...string) (string, error) {
	client, err := connect(serverURL)
	if err != nil {
		return "", err
	}
	defer client.Close()
	return client.Do(ctx, client.B().Arbitrary(command...).Build()).ToString()
}

func mustDo(t *testing.T, serverURL string, command ...string) string {
	t.Helper()
	reply, err := do(t.Context(), serverURL, command...)
	require.NoError(t, err)
	return reply
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	require.Eventually(t, done, 15*time.Second, 10*time.Millisecond, what)
}

func alive(pid int) bool {
	return syscall.Kill(pid, 0) == nil
}

func TestDataAndAddressSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()

	first := start(t, dir)
	mustDo(t, first.URL(), "SET", "job", "42")
	first.Stop()
	require.Zero(t, first.PID())

	second := start(t, dir)
	require.Equal(t, first.URL(), second.URL())
	require.Equal(t, "42", mustDo(t, second.URL(), "GET", "job"))
}

func TestADirectoryNameMayHoldQuotesAndSpaces(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `a "b" \ é`)

	first := start(t, dir)
	mustDo(t, first.URL(), "SET", "job", "42")
	first.Stop()
	require.DirExists(t, filepath.Join(dir, "appendonlydir"))
}

func TestATakenPortIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, dir)
	first.Stop()

	at, err := url.Parse(first.URL())
	require.NoError(t, err)
	l, err := net.Listen("tcp", at.Host)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })

	second := start(t, dir)
	require.NotEqual(t, first.URL(), second.URL())
	require.Equal(t, "PONG", mustDo(t, second.URL(), "PING"))
}

func TestADeadServerIsStartedAgainAtTheSameAddress(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	mustDo(t, server.URL(), "SET", "job", "42")
	killed := server.PID()

	require.NoError(t, syscall.Kill(killed, syscall.SIGKILL))

	eventually(t, "the data is back", func() bool {
		value, err := do(t.Context(), server.URL(), "GET", "job")
		return err == nil && value == "42"
	})
	require.NotEqual(t, killed, server.PID())
}

func TestTheServerEndsWithAKilledOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = append(os.Environ(), ownerEnv+"="+dir)
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	var pid int
	var serverURL string
	_, err = fmt.Fscan(out, &pid, &serverURL)
	require.NoError(t, err)
	mustDo(t, serverURL, "SET", "job", "42")

	require.NoError(t, owner.Process.Kill())
	_ = owner.Wait()

	eventually(t, "the child is gone", func() bool { return !alive(pid) })
	next := start(t, dir)
	require.Equal(t, serverURL, next.URL())
	require.Equal(t, "42", mustDo(t, next.URL(), "GET", "job"))
}

func TestThePasswordIsKeptFromOtherUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := start(t, dir)
	at, err := url.Parse(server.URL())
	require.NoError(t, err)
	password, _ := at.User.Password()
	require.GreaterOrEqual(t, len(password), 20)

	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", server.PID()))
	require.NoError(t, err)
	require.NotContains(t, string(cmdline), password)

	info, err := os.Stat(filepath.Join(dir, "connection.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	_, err = do(t.Context(), "redis://"+at.Host, "PING")
	require.ErrorContains(t, err, "NOAUTH")
}

func TestTheServerListensOnLoopbackAndNeverEvicts(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	for setting, want := range map[string]string{
		"bind": "127.0.0.1", "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction",
	} {
		client, err := connect(server.URL())
		require.NoError(t, err)
		got, err := client.Do(t.Context(), client.B().ConfigGet().Parameter(setting).Build()).AsStrMap()
		client.Close()
		require.NoError(t, err)
		require.Equal(t, want, got[setting])
	}
}

func TestAFailedStartSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "appendonlydir"), []byte("not a folder"), 0o600))

	_, err := redisd.Start(t.Context(), redisd.Options{Dir: dir})
	require.ErrorContains(t, err, "appendonlydir")
}

func TestACancelledStartLeavesNoServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := redisd.Start(ctx, redisd.Options{Dir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
}

func TestAMissingProgramIsExplained(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := redisd.Start(t.Context(), redisd.Options{Dir: t.TempDir()})
	require.ErrorIs(t, err, redisd.ErrNotInstalled)
	require.ErrorContains(t, err, "apt-get install")
}
