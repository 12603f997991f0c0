package codeframe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/codeframe"
)

func TestShowMarksThePlaceAmongItsLines(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "nine.ts")
	require.NoError(t, os.WriteFile(file, []byte("1\n2\n3\n4\n5\n6\n7\n8\n\treturn x.y;\r\n10"), 0o600))

	require.Equal(t, ""+
		"   7 | 7\n"+
		"   8 | 8\n"+
		">  9 |     return x.y;\n"+
		"     |            ^\n"+
		"  10 | 10\n", codeframe.Show(codeframe.Place{File: file, Line: 9, Column: 9}))
	require.Equal(t, "> 1 | 1\n  2 | 2\n  3 | 3\n", codeframe.Show(codeframe.Place{File: file, Line: 1}))
}

func TestShowSaysNothingOfAPlaceThatIsNotThere(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "short.py")
	require.NoError(t, os.WriteFile(file, []byte("one\n"), 0o600))
	for _, place := range []codeframe.Place{
		{File: file}, {File: file, Line: 7}, {File: file, Line: -1}, {File: file + ".gone", Line: 1},
	} {
		require.Empty(t, codeframe.Show(place), place)
	}
	require.Equal(t, "> 1 | one\n", codeframe.Show(codeframe.Place{File: file, Line: 1, Column: 90}))
}

func TestShowCutsLongLines(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bundle.js")
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("é", 200_000)), 0o600))
	require.Less(t, len(codeframe.Show(codeframe.Place{File: file, Line: 1, Column: 100_000})), 200)
}

func TestInStackFindsTheInnermostPlaceInOwnFiles(t *testing.T) {
	t.Parallel()
	own := func(file string) bool { return strings.HasPrefix(file, "/home/me/hand lers/") }
	for name, tt := range map[string]struct {
		stack string
		want  codeframe.Place
	}{
		"JavaScript": {
			"TypeError: no\n    at parse (/opt/lib/parse.js:1:2)\n    at inner (/home/me/hand lers/lib/a.ts:4:11)\n    at run (/home/me/hand lers/a.ts:9:3)",
			codeframe.Place{File: "/home/me/hand lers/lib/a.ts", Line: 4, Column: 11},
		},
		"JavaScript with URLs": {
			"Error: no\n    at async file:///home/me/hand%20lers/a.mjs:7:9",
			codeframe.Place{File: "/home/me/hand lers/a.mjs", Line: 7, Column: 9},
		},
		"Python": {
			"Traceback (most recent call last):\n  File \"/home/me/hand lers/a.py\", line 3, in run\n    inner()\n" +
				"  File \"/home/me/hand lers/a.py\", line 8, in inner\n    json.loads('')\n  File \"/usr/lib/json.py\", line 1, in loads\n",
			codeframe.Place{File: "/home/me/hand lers/a.py", Line: 8},
		},
		"Go": {
			"panic: no\n\ngoroutine 7 [running]:\nmain.run(...)\n\t/home/me/hand lers/a/main.go:12 +0x1d\nmain.main()\n\t/home/me/hand lers/a/main.go:30 +0x2\n",
			codeframe.Place{File: "/home/me/hand lers/a/main.go", Line: 12},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, ok := codeframe.InStack(tt.stack, own)
			require.True(t, ok)
			require.Equal(t, tt.want, found)
		})
	}
	_, ok := codeframe.InStack("Error: no\n    at run (/opt/b.js:1:2)", own)
	require.False(t, ok)
}

func TestPlacesReadAsEditorsKnowThem(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a.ts:3:5", codeframe.Place{File: "a.ts", Line: 3, Column: 5}.String())
	require.Equal(t, "a.py:3", codeframe.Place{File: "a.py", Line: 3}.String())
	require.Equal(t, "a.sh", codeframe.Place{File: "a.sh"}.String())
}
