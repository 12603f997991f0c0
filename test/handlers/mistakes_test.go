package handlers

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// goHandler is a handler in Go whose function has one line.
func goHandler(line string) string {
	return "package main\n\nimport \"github.com/jobrunner-dev/jobrunner/handler\"\n\n" +
		"func run(ctx handler.Context, in any) (any, error) {\n\t" + line + "\n}\n\n" +
		"func main() { handler.Main(handler.Must(handler.New(\"bad\", run, nil))) }\n"
}

// A mistake that keeps a handler from loading ends with 2, one that fails its job
// with 1; both are shown where they are, on stderr.
func TestAMistakeIsShownWhereItIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file, text string
		code       int
		want       []string
	}{
		"TypeScript that does not parse": {
			"bad.ts", "export default {\n  name: \"bad\"\n  run() {},\n};\n",
			2,
			[]string{"bad.ts:3:3: Expected", "> 3 |   run() {},\n    |   ^"},
		},
		"TypeScript that throws while it is loaded": {
			"bad.ts", "const table: Record<string, string[]> = {};\nexport const first = table.none.at(0);\nexport default { name: \"bad\", run() {} };\n",
			2,
			[]string{"bad.ts:2:33: TypeError", "> 2 | export const first"},
		},
		"an import of nothing": {
			"bad.js", "import { x } from \"./nowhere.js\";\nexport default { name: \"bad\", run: () => x };\n",
			2,
			[]string{"bad.js:1:19: Could not resolve", "> 1 | import { x }"},
		},
		"JavaScript that throws while it runs": {
			"bad.js", "export default {\n  name: \"bad\",\n  async run(job) {\n    return job.data.a.b;\n  },\n};\n",
			1,
			[]string{"failed     TypeError: Cannot read", "bad.js:4:23\n", "> 4 |     return job.data.a.b;"},
		},
		"Python that does not parse": {
			"bad.py", "from jobrunner import handler\n\n@handler\ndef bad(job)\n    pass\n",
			2,
			[]string{"bad.py:4:13: SyntaxError", "> 4 | def bad(job)"},
		},
		"Python without a module": {
			"bad.py", "import no_such_module\n",
			2,
			[]string{"bad.py:1", "no_such_module"},
		},
		"Python that raises while it runs": {
			"bad.py", "from jobrunner import handler\n\n@handler\ndef bad(job):\n    return job.data[\"a\"]\n",
			1,
			[]string{"failed     KeyError", "bad.py:5\n", "> 5 |     return job.data[\"a\"]"},
		},
		"Go that does not compile": {
			"bad.go", goHandler("return ctx.Nope(), nil"),
			2,
			[]string{"bad.go:6:13: ctx.Nope undefined", "> 6 |     return ctx.Nope(), nil"},
		},
		"Go that panics": {
			"bad.go", goHandler("var m map[string]int; m[\"a\"]++; return m, nil"),
			1,
			[]string{"failed     panic: assignment to entry in nil map", "bad.go:6\n", "> 6 |     var m map"},
		},
		"a program that fails": {
			"bad.sh", "#!/bin/sh\necho 'the disk is full' >&2\nexit 3\n",
			1,
			[]string{"failed     ExitError: the disk is full (exit code 3)"},
		},
		"a schema that is none": {
			"bad.js", "export default { name: \"bad\", schema: { type: \"objekt\" }, run() {} };\n",
			2,
			[]string{"bad.js", "/type", "'object'"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, env := t.TempDir(), jobrunner(t)
			require.NoError(t, os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.text), 0o600))
			cmd := shell(t, dir, "jobrunner handler run "+tt.file+" --data '{}'", env)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
			require.True(t, ok)
			require.Equal(t, tt.code, exit.ExitCode(), stderr.String())
			require.Empty(t, stdout.String())
			for _, want := range tt.want {
				require.Contains(t, stderr.String(), want)
			}
		})
	}
}
