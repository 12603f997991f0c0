package export

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// target is the file being made: a temporary one until commit.
type target struct {
	root      *os.Root
	dir       string
	name      string
	temp      string
	overwrite bool
	file      *os.File
	buffered  *bufio.Writer
	written   int64
	limit     int64
}

// createTarget opens a temporary file in the directory. All names are resolved
// below it, whatever links or dots they contain.
func createTarget(dir, name string, overwrite bool, limit int64) (*target, error) {
	if !filepath.IsLocal(name) || filepath.Base(name) != name || strings.HasPrefix(name, ".") {
		return nil, refuse("file name %q is not a plain name", name)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("export directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("export directory: %w", err)
	}
	t := &target{root: root, dir: dir, name: name, overwrite: overwrite, limit: limit}
	if _, err := root.Lstat(name); err == nil && !overwrite {
		return nil, errors.Join(t.exists(), root.Close())
	}
	t.temp = "." + name + "." + rand.Text()[:8] + ".tmp"
	t.file, err = root.OpenFile(t.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("export file: %w", err), root.Close())
	}
	t.buffered = bufio.NewWriterSize(t.file, 256<<10)
	return t, nil
}

func (t *target) exists() error {
	return refuse("file %q exists already; choose another name, or allow it to be overwritten", t.name)
}

func (t *target) path() string { return filepath.Join(t.dir, t.name) }

// Write implements [io.Writer], up to the size limit.
func (t *target) Write(p []byte) (int, error) {
	t.written += int64(len(p))
	if t.written > t.limit {
		return 0, refuse("the file would have more than the %d bytes allowed", t.limit)
	}
	return t.buffered.Write(p)
}

// commit makes the file durable and gives it its name. It returns its size.
func (t *target) commit() (int64, error) {
	if err := errors.Join(t.buffered.Flush(), t.file.Sync()); err != nil {
		return 0, fmt.Errorf("export file: %w", err)
	}
	info, err := t.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("export file: %w", err)
	}
	if t.overwrite {
		err = t.root.Rename(t.temp, t.name)
	} else {
		// A link, unlike a rename, does not replace what has come up meanwhile.
		err = t.root.Link(t.temp, t.name)
		if errors.Is(err, fs.ErrExist) {
			return 0, t.exists()
		}
	}
	if err != nil {
		return 0, fmt.Errorf("export file: %w", err)
	}
	return info.Size(), nil
}

// discard closes the file and removes the temporary name, if it is still there.
func (t *target) discard() {
	_ = t.file.Close()
	_ = t.root.Remove(t.temp)
	_ = t.root.Close()
}
