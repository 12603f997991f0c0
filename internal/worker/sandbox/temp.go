package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// makeTemp makes a program's temporary directory, for its owner only.
func makeTemp(root string) (string, error) {
	dir, err := os.MkdirTemp(root, "run-")
	if err != nil {
		return "", fmt.Errorf("temporary directory: %w", err)
	}
	return filepath.EvalSymlinks(dir)
}

// RemoveAll removes a directory with what programs have left in it, also where
// they took away the right to do so.
func RemoveAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) //nolint:gosec // a directory needs its x bit
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("temporary directory is left: %w", err)
	}
	return nil
}
