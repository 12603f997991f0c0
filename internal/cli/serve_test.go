package cli

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestServeRegistersTheFirstUserWithTheSetupToken(t *testing.T) {
	t.Parallel()
	c := begin(t, nil, "serve", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--redis", testenv.RedisURL(t))
	base := c.find(t, `Web client +(\S+)`)
	token := c.find(t, `Setup token +(\S+)`)

	requireStatus(t, http.StatusOK, get(t, base+"/healthz"))
	requireStatus(t, http.StatusOK, get(t, base+"/readyz"))
	requireStatus(t, http.StatusCreated, post(t, base+"/api/v1/auth/register", map[string]string{
		"setupToken": token, "email": "first@example.com", "password": "correct horse battery",
	}))
	require.NotContains(t, c.stderr.String(), token, "the token is for the operator, not for the log")

	c.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, c.wait(t), c.stderr.String())
}

func TestServeWithAnAdministratorNeedsNoSetupToken(t *testing.T) {
	t.Parallel()
	env := []string{"JOBRUNNER_ADMIN_EMAIL=admin@example.com", "JOBRUNNER_ADMIN_PASSWORD=correct horse battery"}
	c := begin(t, env, "serve", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--redis", testenv.RedisURL(t))
	base := c.find(t, `Web client +(\S+)`)
	require.NotContains(t, c.stdout.String(), "Setup token")
	requireStatus(t, http.StatusOK, post(t, base+"/api/v1/auth/login", map[string]string{
		"email": "admin@example.com", "password": "correct horse battery",
	}))
}

func TestServeRefusesADataDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"serve", "--listen", "127.0.0.1:0", "--data-dir", dir, "--redis", testenv.RedisURL(t)}
	first := begin(t, nil, args...)
	first.find(t, `Web client +(\S+)`)

	second, code := run(t, nil, args...)
	require.Equal(t, exitFailed, code)
	require.Contains(t, second.stderr.String(), "is in use by the process")
}

func TestServeSaysThatItsAddressIsTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })

	c, code := run(t, nil, "serve", "--listen", l.Addr().String(), "--data-dir", t.TempDir(), "--redis", testenv.RedisURL(t))
	require.Equal(t, exitFailed, code)
	require.Contains(t, c.stderr.String(), "choose another address with --listen")
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	return do(t, http.MethodGet, url, nil)
}

func post(t *testing.T, url string, body any) *http.Response {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return do(t, http.MethodPost, url, text)
}

// do sends one request on a connection of its own, which leaves nothing behind.
func do(t *testing.T, method, url string, body []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	reply, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = reply.Body.Close() })
	return reply
}

func requireStatus(t *testing.T, want int, reply *http.Response) {
	t.Helper()
	require.Equal(t, want, reply.StatusCode, "%s %s", reply.Request.Method, reply.Request.URL)
}
