package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAProgramRunsAndTellsHowItEnded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ script, out, err string }{
		"success":      {"echo hello; echo world >&2", "hello\nworld\n", ""},
		"exit code":    {"exit 3", "", "exited with code 3"},
		"segfault":     {"kill -SEGV $$", "", "crashed (signal SEGV, segmentation fault)"},
		"abort":        {"kill -ABRT $$", "", "aborted (signal ABRT)"},
		"other signal": {"kill -HUP $$", "", "was ended by a signal (hangup)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := run(t, Default(), tt.script)
			require.Equal(t, tt.out, out)
			if tt.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.err)
			}
		})
	}
}

func TestAProgramReadsItsInputToTheEnd(t *testing.T) {
	t.Parallel()
	c, out := shell(t, Default(), "cat")
	c.Stdin = strings.NewReader("some input")
	require.NoError(t, c.Start())
	require.NoError(t, c.Wait())
	require.Equal(t, "some input", out.String())
}

func TestWhatDoesNotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), mode))
		return path
	}
	tests := map[string]struct {
		cmd  *Cmd
		want string
	}{
		"missing":             {&Cmd{Path: filepath.Join(dir, "gone")}, "no such file or directory"},
		"relative":            {&Cmd{Path: "sh"}, "the program's path must be absolute"},
		"no permission":       {&Cmd{Path: file("plain.sh", "#!/bin/sh\n", 0o600)}, "needs an execute permission (chmod +x)"},
		"missing interpreter": {&Cmd{Path: file("odd.sh", "#!/no/such/shell\n", 0o700)}, "the interpreter that it names in its first line is not"},
		"no program":          {&Cmd{Path: file("text", "hello", 0o700)}, "is no program for this machine"},
		"missing directory":   {&Cmd{Path: "/bin/sh", Dir: filepath.Join(dir, "nowhere")}, "its directory is missing"},
		"relative grant": {
			&Cmd{Path: "/bin/sh", Policy: Policy{Read: []string{"data"}}},
			"data: a path that is granted must be absolute",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.cmd.TempRoot = t.TempDir()
			require.ErrorContains(t, tt.cmd.Start(), tt.want)
			left, err := os.ReadDir(tt.cmd.TempRoot)
			require.NoError(t, err)
			require.Empty(t, left, "its temporary directory is gone")
			tt.cmd.Kill() // has nothing to do, and does it
		})
	}
}

func TestAProgramSeesItsOwnEnvironmentOnly(t *testing.T) {
	t.Setenv("JOBRUNNER_SECRET", "hunter2")
	out, err := run(t, Default(), "env; cat /proc/*/environ 2>/dev/null")
	require.NotContains(t, out, "hunter2")
	_ = err // some of what cat was given is not its to read
}

func TestTheTemporaryDirectoryGoesWithTheProgram(t *testing.T) {
	t.Parallel()
	c, out := shell(t, Policy{}, `cd "$TMPDIR" && mkdir -p a/b && echo x >a/b/c && cat a/b/c && chmod 0 a/b a && kill -9 $$`)
	require.NoError(t, c.Start())
	require.DirExists(t, c.TempDir())
	require.ErrorContains(t, c.Wait(), "was killed")
	require.Equal(t, "x\n", out.String())
	require.NoDirExists(t, c.TempDir())
}

func TestAProgramIsAskedToEndBeforeItIsKilled(t *testing.T) {
	t.Parallel()
	c, out := shell(t, Default(), `trap 'echo bye; exit 4' TERM; echo ready; while :; do sleep 0.05; done`)
	ready := &firstWrite{Writer: out, seen: make(chan struct{})}
	c.Stdout, c.Stderr = ready, nil
	require.NoError(t, c.Start())
	<-ready.seen
	c.Terminate()
	require.EqualError(t, c.Wait(), "exited with code 4")
	require.Equal(t, "ready\nbye\n", out.String())
	c.Terminate() // comes too late, and does nothing
}

func TestAProgramThatEndsDoesNotWaitForWhoHoldsItsOutput(t *testing.T) {
	t.Parallel()
	out, err := run(t, Default(), "(trap '' HUP TERM; sleep 600) & echo started")
	require.NoError(t, err)
	require.Equal(t, "started\n", out)
}
