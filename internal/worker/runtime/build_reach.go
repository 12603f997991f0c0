package runtime

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// mayBuildFrom returns an error if a file must not become part of what is built,
// because the module's processes must not read it: the building is done by us,
// outside of their sandbox.
func (b *build) mayBuildFrom(path string) error {
	policy := b.policy()
	if policy.AllFiles {
		return nil
	}
	for _, granted := range slices.Concat(policy.Read, policy.Write, []string{filepath.Dir(b.module.Path)}) {
		if isWithin(granted, path) {
			return nil
		}
		if resolved, err := filepath.EvalSymlinks(granted); err == nil && isWithin(resolved, path) {
			return nil
		}
	}
	return fmt.Errorf("it imports %s, which it is not permitted to read", path)
}

// isWithin reports whether a path is a folder, or lies below it.
func isWithin(dir, path string) bool {
	within, err := filepath.Rel(dir, path)
	return err == nil && within != ".." && !strings.HasPrefix(within, ".."+string(filepath.Separator))
}
