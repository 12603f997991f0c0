package sandbox

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAProgramInheritsNoDescriptors(t *testing.T) {
	t.Parallel()
	secret, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer func() { _ = secret.Close() }()
	inherited, err := syscall.Dup(int(secret.Fd())) // without close-on-exec
	require.NoError(t, err)
	defer func() { _ = syscall.Close(inherited) }()
	out, err := run(t, Default(), "cd /proc/self/fd; for fd in *; do readlink $fd; done; true")
	require.NoError(t, err)
	require.NotContains(t, out, filepath.Base(os.Args[0]))
	require.NotContains(t, out, "socket:")
}

func TestAProgramReachesTheFilesItWasGranted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"own", "read", "write", "none"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name, "sub"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "sub", "file"), []byte("content of "+name+"\n"), 0o644))
	}
	require.NoError(t, os.Symlink("../none", filepath.Join(dir, "write", "link")))
	p := Policy{}.WithRead(filepath.Join(dir, "read")).WithWrite(filepath.Join(dir, "write"), filepath.Join(dir, "not there"))
	tests := map[string]struct{ script, out string }{
		"reads its own folder":          {"cat sub/file", "content of own\n"},
		"writes not there":              {"echo x >sub/new", "Permission denied"},
		"reads what it may":             {"cat ../read/sub/file", "content of read\n"},
		"does not write there":          {"echo x >>../read/sub/file", "Permission denied"},
		"does not remove there":         {"rm ../read/sub/file", "Permission denied"},
		"writes what it may":            {"echo x >../write/new && mv ../write/new ../write/sub/new && cat ../write/sub/new", "x\n"},
		"reads nothing else":            {"cat ../none/sub/file", "Permission denied"},
		"lists nothing else":            {"ls ../none", "Permission denied"},
		"is not led around by a link":   {"cat ../write/link/sub/file", "Permission denied"},
		"moves nothing out of the rest": {"mv ../read/sub ../write/", "Permission denied"},
		"writes its temporary files":    {`echo x >"$TMPDIR/x" && cat "$TMPDIR/x"`, "x\n"},
		"writes none of others":         {"echo x >/tmp/jobrunner-sandbox-test", "Permission denied"},
		"runs the system's programs":    {"date -u +%Z && ls / >/dev/null 2>&1; echo done", "UTC\ndone\n"},
		"does not read the system":      {"cat /etc/shadow", "Permission denied"},
		"throws output away":            {"echo x >/dev/null && head -c 3 /dev/zero | wc -c", "3\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, out := shell(t, p, tt.script)
			c.Dir = filepath.Join(dir, "own")
			require.NoError(t, c.Start())
			_ = c.Wait() // some of the commands fail, as they should
			require.Contains(t, out.String(), tt.out)
		})
	}
}

func TestATrustedProgramReachesAllFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := run(t, Default(), "echo x >"+dir+"/a && mkdir "+dir+"/b && mv "+dir+"/a "+dir+"/b/c && cat "+dir+"/b/c && rm -r "+dir+"/b")
	require.NoError(t, err)
	require.Equal(t, "x\n", out)
}

func TestAProgramCannotReachTheWorker(t *testing.T) {
	t.Parallel()
	pid := strconv.Itoa(os.Getpid())
	for name, host := range mechanisms() {
		for policy, p := range map[string]Policy{"trusted": Default(), "confined": {}} {
			t.Run(name+", "+policy, func(t *testing.T) {
				t.Parallel()
				c, out := shell(t, p, `
kill -0 `+pid+` && echo signals
kill -KILL $PPID && sleep 0.2 && echo still here
cat /proc/`+pid+`/environ >/dev/null && echo environ
head -c 1 /proc/$PPID/mem 2>&1 >/dev/null | grep -q denied || echo mem
grep -q 'NoNewPrivs:.1' /proc/self/status && echo no new privileges
true`)
				c.host = host
				c.Stderr = nil
				require.NoError(t, c.Start())
				require.NoError(t, c.Wait())
				require.Contains(t, []string{"no new privileges\n", "still here\nno new privileges\n"}, out.String())
			})
		}
	}
}

// dial is a Python program that says whether sockets can be had.
const dial = `
import socket, sys
def attempt(name, f):
    try:
        f()
        print(name, "ok")
    except OSError as e:
        print(name, e.strerror)
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt("unix", lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[2]))
attempt("pair", lambda: socket.socketpair())
`

func TestTheNetworkIsThereIfItWasGranted(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = tcp.Close() }()
	local := filepath.Join(t.TempDir(), "socket")
	unix, err := net.Listen("unix", local)
	require.NoError(t, err)
	defer func() { _ = unix.Close() }()
	_, port, err := net.SplitHostPort(tcp.Addr().String())
	require.NoError(t, err)
	python, roots := interpreter(t, "python3")
	for want, network := range map[string]bool{
		"tcp ok\nudp ok\nunix ok\npair ok\n":                                              true,
		"tcp Permission denied\nudp Permission denied\nunix Permission denied\npair ok\n": false,
	} {
		c, out := shell(t, Policy{Network: network}.WithRead(roots...).WithRead(filepath.Dir(local)), "")
		c.Path, c.Args = python, []string{"-c", dial, port, local}
		require.NoError(t, c.Start())
		require.NoError(t, c.Wait(), out)
		require.Equal(t, want, out.String())
	}
}
