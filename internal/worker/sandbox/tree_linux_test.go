package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// marked returns the processes with an argument that ends with a text.
func marked(t *testing.T, text string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var found []string
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, []byte(text+"\x00")) {
			found = append(found, path+" "+string(bytes.ReplaceAll(content, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// requireNone waits until no process is marked with a text.
func requireNone(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(marked(t, text)) == 0 }, 10*time.Second, 10*time.Millisecond,
		"processes are left")
}

// strays starts processes that do what they can to outlive the program: in a
// session of their own, orphaned, deaf to polite signals, without environment.
const strays = `
sleep 1001.%[1]s &
(trap '' HUP INT TERM; exec sleep 1002.%[1]s) &
setsid sleep 1003.%[1]s &
(setsid sh -c 'trap "" HUP TERM; (exec env -i sleep 1004.%[1]s) & exec sleep 1005.%[1]s' &)
(setsid setsid sh -c '(sleep 1006.%[1]s &) ; :' &)
`

// mechanisms are the ways to end a process tree that this machine has.
func mechanisms() map[string]*hostSupport {
	found := *support()
	made := map[string]*hostSupport{"what is found": &found}
	made["the keeper alone"] = &hostSupport{landlock: found.landlock}
	if found.namespaces {
		made["a user namespace"] = &hostSupport{landlock: found.landlock, namespaces: true, userNamespace: true}
	}
	if found.groups != nil {
		made["control groups"] = &hostSupport{landlock: found.landlock, groups: found.groups}
	}
	return made
}

func TestNothingOutlivesAProgram(t *testing.T) {
	t.Parallel()
	n := 0
	for name, host := range mechanisms() {
		for how, end := range map[string]string{"that exits": "exit 0", "that crashes": "kill -SEGV $$", "that is killed": "read more"} {
			n++
			mark := fmt.Sprintf("%d1%02d", os.Getpid(), n)
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				c, out := shell(t, Default(), fmt.Sprintf(strays, mark)+"echo ready; read go; "+end)
				c.host = host
				stdin, goOn, err := os.Pipe()
				require.NoError(t, err)
				defer func() { _, _ = stdin.Close(), goOn.Close() }()
				c.Stdin = stdin
				ready := &firstWrite{Writer: out, seen: make(chan struct{})}
				c.Stdout, c.Stderr = ready, nil
				require.NoError(t, c.Start())
				<-ready.seen
				require.NotEmpty(t, marked(t, "."+mark))
				if how == "that is killed" {
					c.Kill()
				}
				_, err = goOn.WriteString("\n")
				require.NoError(t, err)
				_ = c.Wait() // tells how it ended, which is another test's matter
				require.Empty(t, marked(t, "."+mark), "when Wait returns all are gone")
			})
		}
	}
}

// ownerEnv makes the test program the owner of a program: its value names the
// mechanism and the mark of its processes.
const ownerEnv = "JOBRUNNER_TEST_OWNER"

// beOwner runs a program that never ends, says so, and waits to be killed.
func beOwner() bool {
	name, mark, ok := strings.Cut(os.Getenv(ownerEnv), "/")
	if !ok {
		return false
	}
	c := &Cmd{
		Path: "/bin/sh", Args: []string{"-c", fmt.Sprintf(strays, mark) + "echo ready; exec sleep 1008." + mark},
		Env: []string{"PATH=" + os.Getenv("PATH")}, Policy: Default(), Stdout: os.Stdout, TempRoot: os.Getenv("TMPDIR"),
	}
	c.host = mechanisms()[name]
	if err := c.Start(); err != nil {
		_, _ = fmt.Fprintln(os.Stdout, err)
		return true
	}
	_ = c.Wait()
	return true
}

func TestNothingOutlivesAnOwnerThatIsKilled(t *testing.T) {
	t.Parallel()
	n := 0
	for name := range mechanisms() {
		n++
		mark := fmt.Sprintf("%d2%02d", os.Getpid(), n)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owner := exec.Command(os.Args[0])
			owner.Env = append(os.Environ(), ownerEnv+"="+name+"/"+mark, "TMPDIR="+t.TempDir())
			out, err := owner.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, owner.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "ready\n", line)
			require.NotEmpty(t, marked(t, "."+mark))
			require.NoError(t, owner.Process.Kill())
			_ = owner.Wait() // it was killed
			requireNone(t, "."+mark)
		})
	}
}

func TestAKeeperThatIsStoppedIsKilled(t *testing.T) {
	t.Parallel()
	mark := fmt.Sprintf("%d300", os.Getpid())
	c, _ := shell(t, Default(), fmt.Sprintf(strays, mark)+"exec sleep 1009."+mark)
	require.NoError(t, c.Start())
	require.NoError(t, syscall.Kill(c.Pid(), syscall.SIGSTOP))
	c.Kill()
	require.EqualError(t, c.Wait(), "was killed (signal KILL; the system does that when memory runs out)")
	requireNone(t, "."+mark)
}
