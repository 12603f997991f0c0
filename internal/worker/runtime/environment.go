package runtime

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// interpreter finds a program, with an error that says what to do.
func interpreter(name, language string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s handlers need %q, which is not installed or not in PATH", language, name)
	}
	return filepath.Abs(path)
}

// environment is what a child sees: little, and none of our secrets. The names
// are of further variables of ours that it may see.
func environment(names []string, more ...string) []string {
	env := slices.Clone(more)
	for _, name := range slices.Concat([]string{"PATH", "LANG", "LC_ALL", "TZ"}, names) {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// removeAll removes a directory that is of no further use.
func removeAll(dir string, log *slog.Logger) {
	if err := os.RemoveAll(dir); err != nil {
		log.Warn("handler's directory could not be removed", slog.Any("error", err))
	}
}
