package plugin

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// kind tells what stands at a path.
type kind string

const (
	kindFile    kind = "file"
	kindProgram kind = "program" // a file with an execute bit
	kindLink    kind = "link"
	kindOther   kind = "other"
)

// file is a file of a plugin.
type file struct {
	path string // within the plugin, with slashes
	kind kind
	size int64
	sum  string // SHA-256 of the content, in hex
}

// listing is all files of a plugin, sorted by their paths.
type listing []file

// scan lists the files of a folder. Links are listed, not followed.
func scan(dir string, limits Limits) (listing, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read the plugin's files: %w", err)
	}
	defer func() { _ = root.Close() }() // it was only read
	var list listing
	count := budget{limits: limits}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size := info.Size()
		if !info.Mode().IsRegular() {
			size = 0
		}
		if err := count.file(size); err != nil || entry.IsDir() {
			return err
		}
		f, err := describe(root, name, info)
		list = append(list, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the plugin's files: %w", err)
	}
	slices.SortFunc(list, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return list, nil
}

func describe(root *os.Root, name string, info fs.FileInfo) (file, error) {
	f := file{path: name, kind: kindOther, size: info.Size()}
	h := sha256.New()
	switch mode := info.Mode(); {
	case mode.IsRegular():
		f.kind = kindFile
		if mode.Perm()&0o111 != 0 {
			f.kind = kindProgram
		}
		opened, err := root.Open(name)
		if err != nil {
			return f, err
		}
		defer func() { _ = opened.Close() }() // it was only read
		if f.size, err = io.Copy(h, opened); err != nil {
			return f, err
		}
	case mode.Type() == fs.ModeSymlink:
		f.kind = kindLink
		target, err := root.Readlink(name)
		if err != nil {
			return f, err
		}
		_, _ = io.WriteString(h, target)
	}
	f.sum = hex.EncodeToString(h.Sum(nil))
	return f, nil
}

// checkSafe refuses a listing that has anything but files with proper names.
func (l listing) checkSafe() error {
	for _, f := range l {
		if err := checkPathWithin(f.path); err != nil {
			return err
		}
		if f.kind != kindFile && f.kind != kindProgram {
			return &UnsafeError{f.path, "is neither a file nor a folder: links and devices are not installed"}
		}
	}
	return nil
}

// text writes a listing, one file a line. [parseListing] reads it.
func (l listing) text() string {
	var b strings.Builder
	for _, f := range l {
		_, _ = fmt.Fprintf(&b, "%s %s %d %s\n", f.sum, f.kind, f.size, strconv.Quote(f.path))
	}
	return b.String()
}

// checksum sums up a listing: the digest of its text.
func (l listing) checksum() string { return checksumOf(l.text()) }

// checksumPrefix names the digest in a checksum.
const checksumPrefix = "sha256-"

func checksumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return checksumPrefix + hex.EncodeToString(sum[:])
}

// size is the size of all files.
func (l listing) size() (bytes int64) {
	for _, f := range l {
		bytes += f.size
	}
	return bytes
}

func parseListing(text string) (listing, error) {
	var list listing
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), " ", 4)
		if len(parts) != 4 {
			return nil, fmt.Errorf("line %d of the list of files is damaged", len(list)+1)
		}
		size, errSize := strconv.ParseInt(parts[2], 10, 64)
		path, errPath := strconv.Unquote(parts[3])
		if errSize != nil || errPath != nil {
			return nil, fmt.Errorf("line %d of the list of files is damaged", len(list)+1)
		}
		list = append(list, file{path: path, kind: kind(parts[1]), size: size, sum: parts[0]})
	}
	return list, lines.Err()
}

// The ways in which a file differs from the one that was installed.
const (
	Changed  = "changed"
	Missing  = "missing"
	Added    = "added"
	Retyped  = "of another type" // such as a link in place of a file, or a new execute bit
	maxNamed = 3
)

// Change is a file that is not as it was installed.
type Change struct {
	// Path is the file's path within the plugin.
	Path string `json:"path"`
	// How is [Changed], [Missing], [Added] or [Retyped].
	How string `json:"how"`
}

// compare returns how now differs from installed.
func compare(installed, now listing) []Change {
	changes := []Change{}
	before := map[string]file{}
	for _, f := range installed {
		before[f.path] = f
	}
	for _, f := range now {
		old, known := before[f.path]
		delete(before, f.path)
		switch {
		case !known:
			changes = append(changes, Change{f.path, Added})
		case old.kind != f.kind:
			changes = append(changes, Change{f.path, Retyped})
		case old.sum != f.sum:
			changes = append(changes, Change{f.path, Changed})
		}
	}
	for path := range before {
		changes = append(changes, Change{path, Missing})
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}

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
