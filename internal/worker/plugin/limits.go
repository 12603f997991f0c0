package plugin

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits bound what a plugin may consist of, dependencies included. The zero
// value is fine.
type Limits struct {
	// ArchiveBytes is the size of an archive. Defaults to 128 MiB.
	ArchiveBytes int64
	// TotalBytes is the size of all files. Defaults to 512 MiB.
	TotalBytes int64
	// Files is the number of files and folders. Defaults to 50,000.
	Files int
}

func (l Limits) withDefaults() Limits {
	l.ArchiveBytes = cmp.Or(l.ArchiveBytes, 128<<20)
	l.TotalBytes = cmp.Or(l.TotalBytes, 512<<20)
	l.Files = cmp.Or(l.Files, 50_000)
	return l
}

// The modes of what is installed: a worker may run as another user than the one
// who installs.
const (
	fileMode   = 0o644
	folderMode = 0o755
)

// Bounds of a path within a plugin.
const (
	maxPath  = 1024
	maxDepth = 64
)

// UnsafeError says that a plugin's content is refused before any of it is used.
type UnsafeError struct {
	// Path is the file that is at fault, "" if it is the whole.
	Path   string
	Reason string
}

// Error names the file and the reason.
func (e *UnsafeError) Error() string {
	if e.Path == "" {
		return "the plugin is refused: " + e.Reason
	}
	return fmt.Sprintf("the plugin is refused: %q %s", e.Path, e.Reason)
}

// budget counts what a plugin consists of against its limits.
type budget struct {
	limits Limits
	bytes  int64
	files  int
}

// file counts a file or folder.
func (b *budget) file(size int64) error {
	b.files++
	if b.files > b.limits.Files {
		return &UnsafeError{Reason: fmt.Sprintf("it has more than %d files", b.limits.Files)}
	}
	b.bytes += size
	if size < 0 || b.bytes > b.limits.TotalBytes {
		return &UnsafeError{Reason: fmt.Sprintf("its files are larger than %d bytes", b.limits.TotalBytes)}
	}
	return nil
}

// checkPathWithin checks the slash-separated path of a file within a plugin.
func checkPathWithin(name string) error {
	switch {
	case len(name) > maxPath:
		return &UnsafeError{name[:80] + "…", fmt.Sprintf("has more than %d bytes in its path", maxPath)}
	case !utf8.ValidString(name) || hasControl(name) || strings.Contains(name, `\`):
		return &UnsafeError{name, "has characters in its path that not every system takes"}
	case path.IsAbs(name) || name != path.Clean(name) || name == ".." || strings.HasPrefix(name, "../"):
		return &UnsafeError{name, "lies outside of the plugin, or its path is not in its plain form"}
	case strings.Count(name, "/") >= maxDepth:
		return &UnsafeError{name, fmt.Sprintf("lies more than %d folders deep", maxDepth)}
	}
	return nil
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// isLeftOut reports whether a file stays behind when a plugin is installed:
// version control, what interpreters make, and npm's settings, which may hold
// secrets of the author, or tell our npm what to do.
func isLeftOut(name string) bool {
	base := path.Base(name)
	switch base {
	case ".git", ".npmrc", "__pycache__", ".DS_Store":
		return true
	case ".bin":
		return path.Base(path.Dir(name)) == "node_modules" // links to programs, which handlers do not call
	}
	return false
}
