// Package files opens files that jobs name, below directories that the worker's
// operator named.
package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrOutside says that a path is not that of a regular file in any of the directories.
var ErrOutside = errors.New("is not a file in one of the directories that this worker allows")

// OpenBelow opens a regular file below one of the directories, and nothing else:
// links and dots that lead out are refused. The path is absolute, or relative to
// any of the directories, of which the first that has it wins.
func OpenBelow(dirs []string, path string) (*os.File, os.FileInfo, error) {
	for _, dir := range dirs {
		relative, ok := below(dir, path)
		if !ok {
			continue
		}
		file, info, err := openIn(dir, relative)
		if err == nil {
			return file, info, nil
		}
	}
	return nil, nil, fmt.Errorf("file %q %w", path, ErrOutside)
}

// DirBelow returns the absolute path, links resolved, of a directory that is one
// of the directories or below one. An empty path is the first of them.
func DirBelow(dirs []string, path string) (string, error) {
	for _, dir := range dirs {
		root, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		full := path
		if !filepath.IsAbs(path) {
			full = filepath.Join(root, path)
		}
		full, err = filepath.EvalSymlinks(full)
		if err != nil {
			continue
		}
		if _, ok := below(root, full); !ok {
			continue
		}
		if info, err := os.Stat(full); err == nil && info.IsDir() {
			return full, nil
		}
	}
	return "", fmt.Errorf("directory %q is not one of the directories that this worker allows, nor below one", path)
}

// below makes a path relative to the directory.
func below(dir, path string) (string, bool) {
	if !filepath.IsAbs(path) {
		return path, true
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	relative, err := filepath.Rel(dir, path)
	return relative, err == nil && filepath.IsLocal(relative)
}

func openIn(dir, relative string) (*os.File, os.FileInfo, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = root.Close() }() // the file stays open without it
	// A pipe would block until somebody wrote into it.
	before, err := root.Stat(relative)
	if err != nil || !before.Mode().IsRegular() {
		return nil, nil, ErrOutside
	}
	file, err := root.Open(relative)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, nil, ErrOutside
	}
	return file, info, nil
}
