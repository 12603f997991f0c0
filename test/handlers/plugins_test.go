package handlers

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv/npmregistry"
)

// pluginDocs is the page on plugins.
const pluginDocs = "../../docs/plugins.md"

// step is a block of code of that page: a file to write, or commands to run and
// what they print.
type step struct {
	block
	exitCode string // "" for 0
}

var exitComment = regexp.MustCompile(`^<!-- exit code (\d+) -->$`)

// readSteps lists the blocks of the page in their order.
func readSteps(t *testing.T) []step {
	t.Helper()
	text, err := os.ReadFile(pluginDocs)
	require.NoError(t, err)
	var steps []step
	var open *step
	var next step
	for line := range strings.Lines(string(text)) {
		bare := strings.TrimRight(line, "\n")
		switch m := fence.FindStringSubmatch(bare); {
		case open != nil && m != nil:
			steps = append(steps, *open)
			open, next = nil, step{}
		case open != nil:
			open.text += line
		case m != nil:
			next.language = m[1]
			open = &next
		case fileLine.MatchString(bare):
			next.file = fileLine.FindStringSubmatch(bare)[1]
		case exitComment.MatchString(bare):
			next.exitCode = exitComment.FindStringSubmatch(bare)[1]
		case bare != "":
			next = step{}
		}
	}
	require.Nil(t, open, "a block of code has no end")
	return steps
}

// The page on plugins is followed from its beginning to its end by somebody who
// answers yes, with a registry that has the package it names.
func TestThePageOnPluginsDoesWhatItSays(t *testing.T) {
	t.Parallel()
	registry := npmregistry.Start(t)
	registry.Publish("words", "1.0.0", nil, map[string]string{"index.js": `exports.word = "sent";`})
	registry.Publish("@acme/mailer", "2.1.0", map[string]any{
		"keywords": []string{"bullmq-handler-plugin"}, "dependencies": map[string]string{"words": "^1.0.0"},
		"bullmqHandlerPlugin": map[string]any{"permissions": map[string]any{"network": []string{"smtp.acme.example"}}},
	}, map[string]string{
		"index.js": `module.exports = { name: "mail", async execute() { return require("words").word; } };`,
	})
	dir := t.TempDir()
	env := append(registry.Env(), jobrunner(t)[len(os.Environ()):]...)
	printed := ""
	for _, s := range readSteps(t) {
		switch {
		case s.file != "":
			path := filepath.Join(dir, filepath.FromSlash(s.file))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(s.text), 0o644))
		case s.language == "sh":
			printed = s.run(t, dir, env)
		case s.language == "text":
			require.Regexp(t, s.pattern(), printed)
		default:
			require.Fail(t, "a block of the page is neither a file nor a command nor what one prints", s.text)
		}
	}
}

// run runs the commands of a step and returns what they print.
func (s step) run(t *testing.T, dir string, env []string) string {
	t.Helper()
	cmd := shell(t, dir, s.text, env)
	cmd.Stdin = strings.NewReader("y\n")
	out, err := cmd.CombinedOutput()
	if s.exitCode == "" {
		require.NoError(t, err, "%s\n%s", s.text, out)
		return string(out)
	}
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended, "%s\n%s", s.text, out)
	require.Equal(t, s.exitCode, strings.TrimPrefix(ended.String(), "exit status "))
	return string(out)
}

// pattern is what a step says is printed, where … stands for any text. The
// answer that a person types is not printed by the command.
func (s step) pattern() string {
	text := regexp.QuoteMeta(strings.ReplaceAll(s.text, "[y/N] y\n", "[y/N] "))
	return `(?s)^` + strings.ReplaceAll(text, "…", ".*") + `$`
}

// Somebody runs dev and installs a plugin beside it: its handler is there.
func TestAPluginInstalledBesideDevIsInService(t *testing.T) {
	t.Parallel()
	dir, env := t.TempDir(), append(jobrunner(t), "JOBRUNNER_LISTEN=127.0.0.1:0")
	for _, s := range readSteps(t)[:2] {
		path := filepath.Join(dir, filepath.FromSlash(s.file))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(s.text), 0o644))
	}
	start(t, dir, "jobrunner dev\n", env).find(t, `Web client +(\S+)`)
	run(t, dir, "jobrunner plugin install ./weather --yes\n", env)
	run(t, dir, "for i in $(seq 600); do\n  jobrunner handler list --worker | grep -q '^forecast  *1.0.0' && exit 0\n  sleep 0.1\ndone\nexit 1\n", env)
}
