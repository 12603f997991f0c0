package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// LockName is the name of a plugin directory's lock file.
const LockName = "jobrunner-plugins.lock"

// lockVersion is the form of the lock file that this program reads and writes.
const lockVersion = 1

// maxLock bounds a lock file, in bytes.
const maxLock = 16 << 20

// Lock is what is installed in a plugin directory, as its lock file says.
type Lock struct {
	// Version is the form of the file.
	Version int `json:"lockVersion"`
	// Plugins are the installed plugins by their names.
	Plugins map[string]Entry `json:"plugins"`
}

// Entry is an installed plugin.
type Entry struct {
	Version string `json:"version"`
	Source  Source `json:"source"`
	// Checksum is over all files of the plugin, its dependencies included.
	Checksum string `json:"checksum"`
	// Integrity is the digest of the archive it came in, in npm's form, "" if it
	// came as a folder.
	Integrity string `json:"integrity,omitempty"`
	// Packages are the npm packages that it brought along, by their places.
	Packages map[string]Pin `json:"packages,omitempty"`
	// Permissions are what it was granted.
	Permissions Permissions `json:"permissions"`
	// Handlers are the job names it answered when it was tried.
	Handlers []string `json:"handlers,omitempty"`
}

// LockError says that a lock file cannot be relied on.
type LockError struct {
	// Path is the lock file.
	Path string
	Err  error
}

// Error names the file and the ways out.
func (e *LockError) Error() string {
	return fmt.Sprintf("%s is damaged, so no plugin beside it is trusted: %v; restore it from version control or a backup, or remove it and install the plugins again", e.Path, e.Err)
}

// Unwrap returns what is wrong.
func (e *LockError) Unwrap() error { return e.Err }

// readLock reads the lock file of a plugin directory; one that is missing is
// empty. It returns a [*LockError] if the file is not as [Lock.write] leaves it.
func readLock(dir string) (*Lock, error) {
	lock := &Lock{Version: lockVersion, Plugins: map[string]Entry{}}
	path := filepath.Join(dir, LockName)
	text, err := readSmall(path, maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		return lock, nil
	}
	if err == nil {
		err = decodeStrictly(text, lock)
	}
	if err == nil {
		err = lock.check()
	}
	if err != nil {
		return nil, &LockError{path, err}
	}
	return lock, nil
}

func (l *Lock) check() error {
	if l.Version != lockVersion {
		return fmt.Errorf("it has the version %d, this program knows %d", l.Version, lockVersion)
	}
	if l.Plugins == nil {
		return errors.New("it lists no plugins")
	}
	for _, name := range slices.Sorted(maps.Keys(l.Plugins)) {
		if err := checkName(name); err != nil {
			return err
		}
		entry := l.Plugins[name]
		if err := entry.check(); err != nil {
			return fmt.Errorf("plugin %s: %w", name, err)
		}
		l.Plugins[name] = entry
	}
	return nil
}

func (e *Entry) check() error {
	if err := checkVersion(e.Version); err != nil {
		return err
	}
	if digest, ok := strings.CutPrefix(e.Checksum, checksumPrefix); !ok || len(digest) != 64 || strings.Trim(digest, "0123456789abcdef") != "" {
		return fmt.Errorf("checksum %q is none", e.Checksum)
	}
	if err := e.Source.check(); err != nil {
		return err
	}
	for path := range e.Packages {
		if !pinPath.MatchString(path) {
			return fmt.Errorf("a package has no place at %q", path)
		}
	}
	return e.Permissions.normalize()
}

// write replaces the lock file. Its text depends on its content only.
func (l *Lock) write(dir string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(l); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	if err := replaceFile(filepath.Join(dir, LockName), text.Bytes()); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
}

// forerunner is how the name of a file begins that is to become the named one.
func forerunner(name string) string { return "." + name + "-" }

// replaceFile writes a file so that at every moment, also after a crash, either
// the old content or the new one is there. Watchers leave its hidden
// forerunner out.
func replaceFile(path string, content []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), forerunner(filepath.Base(path))+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name()) // the error that led here says more
		}
	}()
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Chmod(fileMode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames within a folder outlive a crash.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
