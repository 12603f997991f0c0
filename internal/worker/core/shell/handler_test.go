package shell_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/shell"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func define(t *testing.T, opts shell.Options, rules ...string) *handler.Definition {
	t.Helper()
	var err error
	opts.Rules, err = shell.ParseRules(rules)
	require.NoError(t, err)
	d, err := shell.New(opts)
	require.NoError(t, err)
	return d
}

func job(t *testing.T, command string, args []string, rest string) *handlertest.Context {
	t.Helper()
	list, err := json.Marshal(append([]string{}, args...))
	require.NoError(t, err)
	if rest != "" {
		rest = "," + rest
	}
	return coretest.New(t.Context(), "shell", fmt.Sprintf(`{"command":%q,"args":%s%s}`, command, list, rest))
}

// script runs a text with a real shell, which the operator allows for the test.
func script(t *testing.T, opts shell.Options, text, rest string) (*handlertest.Context, shell.Result, error) {
	t.Helper()
	ctx := job(t, "sh", []string{"-c", text}, rest)
	output, err := coretest.Run(t, define(t, opts, "sh -c .*"), ctx)
	var result shell.Result
	if err == nil {
		require.NoError(t, json.Unmarshal(output, &result))
	}
	return ctx, result, err
}

func TestAProgramGetsItsArgumentsAsTheyAre(t *testing.T) {
	t.Parallel()
	ctx := job(t, "printf", []string{"%s\n", "a b", "$(id); `id` && *", "-x"}, "")
	result := coretest.Result[shell.Result](t, define(t, shell.Options{}, "printf ..."), ctx)
	require.Equal(t, "a b\n$(id); `id` && *\n-x\n", result.Stdout)
	require.Equal(t, []string{"running printf with 4 arguments", "a b", "$(id); `id` && *", "-x"}, ctx.Logged())
	require.False(t, result.Truncated)
}

func TestOnlyAllowedProgramsAndArgumentsRun(t *testing.T) {
	t.Parallel()
	echo, err := filepath.EvalSymlinks("/bin/echo")
	require.NoError(t, err)
	d := define(t, shell.Options{}, "echo [a-z]+ [0-9]{1,3}", "echo hello", echo+" -n .* ...", "true", "printf [a-z]+ ...")
	for _, allowed := range [][]string{{"echo", "abc", "123"}, {"echo", "hello"}, {echo, "-n", "1"}, {echo, "-n", "1", "two", "3"}, {"true"}, {"printf", "a", "b"}} {
		_, err := coretest.Run(t, d, job(t, allowed[0], allowed[1:], ""))
		require.NoError(t, err, allowed)
	}
	for _, refused := range [][]string{
		{"echo"},
		{"echo", "abc"},
		{"echo", "abc", "1234"},
		{"echo", "abc", "123", "x"},
		{"echo", "abc\n", "1"},
		{"echo", "xabc1", "1"},
		{"true", "x"},
		{"printf", "a", "B"},
		{echo, "-e", "1"},
	} {
		_, err := coretest.Run(t, d, job(t, refused[0], refused[1:], ""))
		coretest.RequireFinal(t, err, true, "with these arguments")
	}
	for _, unknown := range []string{"sh", "/bin/sh", "./echo", "echo hello", "ech"} {
		_, err := coretest.Run(t, d, job(t, unknown, nil, ""))
		coretest.RequireFinal(t, err, true, "does not allow command")
	}
}

func TestWhatCannotBePassedIsRefused(t *testing.T) {
	t.Parallel()
	d := define(t, shell.Options{Env: []string{"COLOR"}}, "cat ...")
	for rest, want := range map[string]string{
		`"args":["a\u0000b"]`:                              "NUL character",
		`"args":["` + strings.Repeat("x", 100_000) + `"]`:  "pass what is long as stdin",
		`"stdin":"` + strings.Repeat("x", 1_100_000) + `"`: "stdin has 1100000 bytes",
		`"env":{"LD_PRELOAD":"x"}`:                         `does not let jobs set "LD_PRELOAD"`,
		`"env":{"COLOR":"a\u0000"}`:                        "NUL character",
		`"cwd":"/"`:                                        `directory "/" is not one of the directories`,
	} {
		_, err := coretest.Run(t, d, coretest.New(t.Context(), "shell", `{"command":"cat",`+rest+`}`))
		coretest.RequireFinal(t, err, true, want)
	}
}

func TestAProgramSeesOnlyTheEnvironmentItIsGiven(t *testing.T) {
	t.Setenv("JOBRUNNER_HUSH", "secret")
	opts := shell.Options{Env: []string{"COLOR", "MODE=quick"}}
	_, result, err := script(t, opts, "env; cat", `"env":{"COLOR":"red"},"stdin":"and this"`)
	require.NoError(t, err)
	require.Contains(t, result.Stdout, "COLOR=red\n")
	require.Contains(t, result.Stdout, "MODE=quick\n")
	require.Contains(t, result.Stdout, "and this")
	require.NotContains(t, result.Stdout, "HUSH")
}

func TestAProgramRunsWhereItMay(t *testing.T) {
	t.Parallel()
	work, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(work, "sub"), 0o755))
	other := t.TempDir()
	opts := shell.Options{Dirs: []string{work}}
	_, result, err := script(t, opts, "pwd; echo 1 > made", `"cwd":"sub"`)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(work, "sub")+"\n", result.Stdout)
	require.FileExists(t, filepath.Join(work, "sub", "made"))
	_, result, err = script(t, opts, "pwd", "")
	require.NoError(t, err)
	require.Equal(t, work+"\n", result.Stdout)
	_, _, err = script(t, opts, "pwd", fmt.Sprintf(`"cwd":%q`, other))
	coretest.RequireFinal(t, err, true, "is not one of the directories")

	if sandbox.Check().Confined {
		require.NoError(t, os.WriteFile(filepath.Join(other, "private"), []byte("private"), 0o600))
		_, _, err = script(t, opts, "cat "+filepath.Join(other, "private"), "")
		require.ErrorContains(t, err, "ermission denied")
	}
	_, result, err = script(t, shell.Options{}, `echo 1 > made && cat made && echo "$PWD"`, "")
	require.NoError(t, err, "a directory of its own")
	require.NoDirExists(t, strings.TrimPrefix(strings.TrimSpace(result.Stdout), "1\n"))
}

func TestTheExitCodeDecides(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, rest, want string
		final            bool
	}{
		"failure":         {"echo out; echo why >&2; exit 3", "", "the program exited with code 3: why", false},
		"without words":   {"exit 3", "", "the program exited with code 3", false},
		"only output":     {"echo out; exit 3", "", "code 3: out", false},
		"wrong input":     {"exit 65", "", "code 65", true},
		"final by job":    {"exit 4", `"finalCodes":[4]`, "code 4", true},
		"not final":       {"exit 65", `"finalCodes":[]`, "code 65", false},
		"unwanted zero":   {"exit 0", `"successCodes":[1]`, "code 0", false},
		"ended by signal": {"kill -SEGV $$", "", "the program crashed", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := script(t, shell.Options{}, tt.text, tt.rest)
			coretest.RequireFinal(t, err, tt.final, tt.want)
		})
	}
	_, result, err := script(t, shell.Options{}, "echo two >&2; exit 2", `"successCodes":[0,2]`)
	require.NoError(t, err)
	require.Equal(t, 2, result.ExitCode)
	require.Equal(t, "two\n", result.Stderr)
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	ctx, result, err := script(t, shell.Options{KeepBytes: 10}, `printf '%05000d\n\377\n\n' 0; printf end`, "")
	require.NoError(t, err)
	require.Equal(t, "0000000000", result.Stdout)
	require.True(t, result.Truncated)
	lines := ctx.Logged()[1:]
	require.Len(t, lines, 4)
	require.Len(t, lines[0], 4096)
	require.Equal(t, "\uFFFD", lines[2])
	require.Equal(t, "end", lines[3])

	_, _, err = script(t, shell.Options{MaxOutputBytes: 100_000}, "yes", "")
	coretest.RequireFinal(t, err, true, "more than the 100000 bytes allowed")
}

func TestAProgramEndsWithItsTimeAndItsJob(t *testing.T) {
	t.Parallel()
	_, _, err := script(t, shell.Options{}, "sleep 600", `"timeoutMs":200`)
	coretest.RequireFinal(t, err, false, "ran longer than 200ms")
	_, _, err = script(t, shell.Options{MaxTimeout: 200 * time.Millisecond}, "sleep 600", "")
	coretest.RequireFinal(t, err, false, "ran longer than 200ms")
	_, _, err = script(t, shell.Options{Grace: 50 * time.Millisecond}, "trap '' TERM; sleep 600 & wait; wait", `"timeoutMs":200`)
	coretest.RequireFinal(t, err, false, "ran longer than 200ms")

	errStop := errors.New("stop")
	stopped, stop := context.WithCancelCause(t.Context())
	ctx := coretest.New(stopped, "shell", `{"command":"sh","args":["-c","trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.01; done"]}`)
	d := define(t, shell.Options{}, "sh -c .*")
	done := make(chan error, 1)
	go func() {
		_, err := d.Run(ctx)
		done <- err
	}()
	require.Eventually(t, func() bool { return len(ctx.Logged()) == 2 }, 20*time.Second, time.Millisecond)
	stop(errStop)
	require.ErrorIs(t, <-done, errStop)
	require.Contains(t, ctx.Logged(), "asked", "it was asked before it was killed")
}

func TestRulesThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		" ":               "names no program",
		"bin/echo":        "absolute path or a plain name",
		"no-such-program": "not found",
		"/etc/passwd":     "permission denied",
		"echo (":          `pattern "("`,
	} {
		_, err := shell.ParseRules([]string{spec})
		require.ErrorContains(t, err, want, spec)
	}
}
