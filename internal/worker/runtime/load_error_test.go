package runtime_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

func TestALoadErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, text, message string
		line, column        int
		frame               string
	}{
		"syntax error in TypeScript": {
			"a.ts", "export default {\n  name: }\n", "Unexpected \"}\"", 2, 9,
			"  1 | export default {\n> 2 |   name: }\n    |         ^\n",
		},
		"missing import": {
			"a.js", "\nimport x from \"./gone.js\";\nexport default x;", "Could not resolve \"./gone.js\"", 2, 15,
			"  1 | \n> 2 | import x from \"./gone.js\";\n    |               ^\n  3 | export default x;\n",
		},
		"missing package": {
			"a.js", "import x from \"left-pad\";", "install it beside the handler", 1, 15,
			"> 1 | import x from \"left-pad\";\n    |               ^\n",
		},
		"error while it runs": {
			"a.mjs", "\n\nnull.x;\nexport default {};", "TypeError: Cannot read properties of null", 3, 6,
			"  1 | \n  2 | \n> 3 | null.x;\n    |      ^\n  4 | export default {};\n",
		},
		"no handler": {"a.mjs", "export const x = 1;", "the module exports no handler", 0, 0, ""},
		"syntax error in Python": {
			"a.py", "def f(:\n    pass\n", "SyntaxError: invalid syntax", 1, 7,
			"> 1 | def f(:\n    |       ^\n  2 |     pass\n",
		},
		"error in Python": {
			"a.py", "import json\njson.loads('{')\n", "JSONDecodeError: Expecting property name", 2, 0,
			"  1 | import json\n> 2 | json.loads('{')\n",
		},
		"no handler in Python": {"a.py", "x = 1\n", "the module defines no handler", 0, 0, ""},
		"exit while it loads":  {"a.mjs", "process.exit(4);", "exited with code 4", 0, 0, ""},
		"not a handler":        {"a.txt", "hello", "a.txt is no handler", 0, 0, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, t.TempDir(), tt.file, tt.text)
			loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
			failed := loadError(t, err)
			require.Contains(t, failed.Message, tt.message)
			require.Equal(t, tt.line, failed.Line)
			if tt.column > 0 {
				require.Equal(t, tt.column, failed.Column)
				require.Equal(t, tt.frame, failed.Frame)
			}
			if tt.line > 0 {
				require.True(t, strings.HasSuffix(failed.File, tt.file), failed.File)
			}
			require.Contains(t, loaded.Dependencies, path, "its next change is noticed")
		})
	}
}

func TestAnErrorInAnImportedFileIsWaitedForThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := writeFile(t, dir, "lib/broken.ts", "export const x = ;\n")
	path := writeFile(t, dir, "a.ts", `import { x } from "./lib/broken"; export default () => x;`)
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
	require.Equal(t, broken, loadError(t, err).File)
	require.Contains(t, loaded.Dependencies, broken)
}
