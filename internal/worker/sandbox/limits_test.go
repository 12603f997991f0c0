package sandbox

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAProgramThatUsesTooMuchMemoryEnds(t *testing.T) {
	t.Parallel()
	p := Default()
	p.Memory = 96 << 20
	python, _ := interpreter(t, "python3")
	node, _ := interpreter(t, "node")
	tests := map[string]struct {
		path     string
		args     []string
		out, err string
	}{
		"Python": {python, []string{"-c", "a = []\nwhile True: a.append(bytearray(1 << 20))"}, "MemoryError", "exited with code 1"},
		"Node's heap": {
			node,
			[]string{"--max-old-space-size=64", "-e", "const a = []; for (;;) a.push({ x: a.length })"},
			"", "ran out of memory (it may use 96 MiB)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, out := shell(t, p, "")
			c.Path, c.Args = tt.path, tt.args
			require.NoError(t, c.Start())
			require.EqualError(t, c.Wait(), tt.err)
			require.Contains(t, out.String(), tt.out)
		})
	}
}

func TestFilesAndDescriptorsAreBounded(t *testing.T) {
	t.Parallel()
	p := Default()
	p.FileSize, p.OpenFiles = 1<<20, 40
	out, err := run(t, p, `ulimit -n; ulimit -c; head -c 2000000 /dev/zero >"$TMPDIR/big"`)
	require.Error(t, err)
	require.Contains(t, out, "40\n0\n")
	_, err = run(t, p, `exec head -c 2000000 /dev/zero >"$TMPDIR/big"`)
	require.EqualError(t, err, "was ended for writing a file of more than 1 MiB")
}

func TestSizesAreWrittenInTheirUnit(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]int64{
		"0 bytes": 0, "1023 bytes": 1023, "1 KiB": 1024, "512 MiB": 512 << 20, "1.5 GiB": 3 << 29, "2048 TiB": 2 << 50,
	} {
		require.Equal(t, want, FormatBytes(n))
	}
}
