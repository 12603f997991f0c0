package runtime

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// interpreter finds the program that runs the module, and lets the module read
// what that needs.
func (b *build) interpreter(ctx context.Context, name, language string) (string, error) {
	path, err := b.loader.programs.find(ctx, name, language, filepath.Dir(b.module.Path))
	if err != nil {
		return "", err
	}
	b.reads = append(b.reads, interpreterFiles(path)...)
	return path, nil
}

// policy is what the module may do.
func (b *build) policy() sandbox.Policy {
	if policy := cmp.Or(b.module.Policy, b.loader.opts.Policy); policy != nil {
		return policy.WithRead(b.reads...)
	}
	return sandbox.Default()
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
	if err := sandbox.RemoveAll(dir); err != nil {
		log.Warn("handler's directory could not be removed", slog.Any("error", err))
	}
}
