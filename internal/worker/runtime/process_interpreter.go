package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// programs finds the programs that run handlers. Its zero value is ready.
type programs struct {
	mu    sync.Mutex
	known map[[2]string]string // guarded by mu; what is behind a script, by its path and the folder
}

// askTime bounds how long the script of a version manager may take to find its
// interpreter.
const askTime = 10 * time.Second

// questions make interpreters say which program they are.
var questions = map[string][]string{
	"JavaScript": {"-p", "process.execPath"},
	"Python":     {"-c", "import sys; print(sys.executable)"},
}

// find finds a program, with an error that says what to do. Where a version
// manager has put a script in the program's place, it is asked once a folder for
// what it would run there: the script would take longer than the start itself.
func (p *programs) find(ctx context.Context, name, language, dir string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s handlers need %q, which is not installed or not in PATH", language, name)
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	question, known := questions[language]
	if !known || !isScript(path) {
		return path, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{path, dir}
	if behind, ok := p.known[key]; ok {
		return behind, nil
	}
	behind, err := ask(ctx, path, question, dir)
	if err != nil {
		return "", fmt.Errorf("%s does not say which %s it stands for: %w", path, language, err)
	}
	if p.known == nil {
		p.known = map[[2]string]string{}
	}
	p.known[key] = behind
	return behind, nil
}

func ask(ctx context.Context, path string, question []string, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, question...)
	cmd.Dir, cmd.Env = dir, environment([]string{"HOME"})
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", err
	}
	behind := strings.TrimSpace(string(out))
	if !filepath.IsAbs(behind) {
		return "", fmt.Errorf("it answers %q", behind)
	}
	return behind, nil
}

// isScript reports whether a program begins with the name of what runs it.
func isScript(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	var magic [2]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == "#!"
}

// interpreterFiles are what an interpreter reads that is no part of the system:
// itself, the libraries it was installed with, and the virtual environment that
// it belongs to.
func interpreterFiles(path string) []string {
	files := []string{path}
	linked, err := filepath.EvalSymlinks(path)
	if err != nil {
		return files
	}
	files = append(files, linked)
	prefix := filepath.Dir(filepath.Dir(linked))
	for _, name := range []string{"lib", "lib64"} {
		if folder := filepath.Join(prefix, name); prefix != string(filepath.Separator) {
			files = append(files, folder)
		}
	}
	if venv := filepath.Dir(filepath.Dir(path)); isFile(filepath.Join(venv, "pyvenv.cfg")) {
		files = append(files, venv)
	}
	return slices.Compact(files)
}
