package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// npmTimeout bounds one call of npm, npmGrace how long it may take to stop.
const (
	npmTimeout = 10 * time.Minute
	npmGrace   = 5 * time.Second
)

// Bounds of npm's output, in bytes: its JSON, and what it says to people.
const (
	maxNPMResult = 4 << 20
	maxNPMErrors = 64 << 10
)

// NPMError says that npm could not do what it was asked to.
type NPMError struct {
	// Command is what it was asked, such as "pack".
	Command string
	// Output is what it said.
	Output string
	Err    error
}

// Error repeats what npm said.
func (e *NPMError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("npm %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("npm %s failed:\n%s", e.Command, e.Output)
}

// Unwrap returns how the program ended.
func (e *NPMError) Unwrap() error { return e.Err }

// npm calls the npm program, which knows the operator's registries, proxies and
// credentials. Whatever it fetches, it runs no script of it.
type npm struct {
	program string
	env     []string
}

// npmFlags keep npm from running scripts and git, from taking files of this
// machine, and from talking. They come from the command line, which overrules
// variables and files of settings.
var npmFlags = []string{
	"--ignore-scripts", "--allow-git=none", "--allow-file=none", "--allow-directory=none",
	"--git=git-is-not-used-for-plugins", "--no-audit", "--no-fund", "--no-update-notifier", "--no-progress",
	"--color=false", "--loglevel=error",
}

// packed is an archive as npm describes it.
type packed struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Filename  string `json:"filename"`
	Integrity string `json:"integrity"`
}

// pack fetches a package of the registry as an archive into a folder. npm
// compares it with the digest that the registry tells.
func (n npm) pack(ctx context.Context, source Source, dir string) (packed, error) {
	spec := source.Spec
	if spec == source.packageName() {
		spec += "@latest" // so that no name can be taken for that of a file
	}
	out, err := n.run(ctx, "pack", dir, "--json", "--pack-destination="+dir, "--", spec)
	if err != nil {
		return packed{}, err
	}
	var list []packed
	if err := json.Unmarshal(out, &list); err != nil || len(list) != 1 || !filepath.IsLocal(list[0].Filename) {
		return packed{}, &NPMError{Command: "pack", Err: errors.New("its answer was not understood: is npm up to date?")}
	}
	return list[0], nil
}

// freedom says how npm chooses versions.
type freedom int

const (
	// free takes the latest ones that suit a package.json.
	free freedom = iota
	// locked takes those of a lock file, which must suit the package.json.
	locked
	// pinned takes those of a lock file that knows nothing of what only the
	// plugin's author needs.
	pinned
)

// install fetches the dependencies of the package in a folder.
func (n npm) install(ctx context.Context, dir string, how freedom) error {
	args := []string{"--omit=dev", "--no-bin-links", "--allow-remote=none"} // no URLs
	command := "install"
	switch how {
	case locked:
		command = "ci"
	case pinned:
		args = append(args, "--no-save")
	case free:
		args = append(args, "--no-save", "--no-package-lock")
	}
	_, err := n.run(ctx, command, dir, args...)
	return err
}

func (n npm) run(ctx context.Context, command, dir string, args ...string) ([]byte, error) {
	program, err := exec.LookPath(n.program)
	if err != nil {
		return nil, fmt.Errorf("npm packages and dependencies need the program %q, which is not installed or not in PATH: install Node.js with npm, or install the plugin from a folder or archive that brings its node_modules along", n.program)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, npmTimeout, fmt.Errorf("npm took longer than %s", npmTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append(append([]string{command, "--prefix=" + dir}, npmFlags...), args...)...)
	cmd.Dir, cmd.Env = dir, n.environment()
	result, said := &capped{limit: maxNPMResult}, &capped{limit: maxNPMErrors}
	cmd.Stdout, cmd.Stderr = result, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = npmGrace
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, &NPMError{Command: command, Output: npmMessage(said.text.String()), Err: err}
	}
	if result.over {
		return nil, &NPMError{Command: command, Err: fmt.Errorf("it wrote more than %d bytes", maxNPMResult)}
	}
	return result.text.Bytes(), nil
}

// environment is what npm sees: all of ours but JobRunner's own settings, among
// which are passwords.
func (n npm) environment() []string {
	var env []string
	for _, variable := range n.env {
		if !strings.HasPrefix(variable, "JOBRUNNER_") {
			env = append(env, variable)
		}
	}
	return env
}

// npmMessage is what npm said, without its prefix and where it keeps its log.
func npmMessage(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "npm error"))
		if line != "" && !strings.HasPrefix(line, "A complete log of this run") {
			lines = append(lines, "  "+line)
		}
	}
	return strings.Join(lines, "\n")
}

// capped keeps the beginning of what is written to it.
type capped struct {
	text  bytes.Buffer
	limit int
	over  bool
}

func (c *capped) Write(p []byte) (int, error) {
	room := c.limit - c.text.Len()
	if len(p) > room {
		c.over = true
		_, _ = c.text.Write(p[:room])
		return len(p), nil
	}
	return c.text.Write(p)
}
