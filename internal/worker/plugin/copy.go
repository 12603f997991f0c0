package plugin

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// copyTree copies the files of a folder into a new one, but not what is left
// out. Links are refused.
func copyTree(from, to string, limits Limits) error {
	source, err := os.OpenRoot(from)
	if err != nil {
		return fmt.Errorf("copy the plugin: %w", err)
	}
	defer func() { _ = source.Close() }() // it was only read
	if err := os.Mkdir(to, folderMode); err != nil {
		return fmt.Errorf("copy the plugin: %w", err)
	}
	count := budget{limits: limits}
	return fs.WalkDir(source.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("copy the plugin: %w", err)
		case name == ".":
			return nil
		case isLeftOut(name) && entry.IsDir():
			return fs.SkipDir
		case isLeftOut(name):
			return nil
		}
		if err := checkPathWithin(name); err != nil {
			return err
		}
		return copyEntry(source, filepath.Join(to, filepath.FromSlash(name)), name, entry, &count)
	})
}

func copyEntry(source *os.Root, to, name string, entry fs.DirEntry, count *budget) error {
	info, err := entry.Info()
	if err != nil {
		return fmt.Errorf("copy the plugin: %w", err)
	}
	switch {
	case info.IsDir():
		if err := count.file(0); err != nil {
			return err
		}
		return os.Mkdir(to, folderMode)
	case !info.Mode().IsRegular():
		return &UnsafeError{name, "is neither a file nor a folder: links and devices are not installed"}
	}
	if err := count.file(info.Size()); err != nil {
		return err
	}
	in, err := source.Open(name)
	if err != nil {
		return fmt.Errorf("copy the plugin: %w", err)
	}
	defer func() { _ = in.Close() }() // it was only read
	return writeFile(to, io.LimitReader(in, info.Size()), info.Mode())
}

// writeFile writes a new file. Of its mode only the execute bit is kept.
func writeFile(path string, content io.Reader, mode fs.FileMode) (err error) {
	perm := fs.FileMode(0o644)
	if mode.Perm()&0o111 != 0 {
		perm = 0o755
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return fmt.Errorf("write the plugin's files: %w", err)
	}
	defer func() {
		if failed := out.Close(); err == nil {
			err = failed
		}
	}()
	if _, err := io.Copy(out, content); err != nil {
		return fmt.Errorf("write the plugin's files: %w", err)
	}
	return nil
}
