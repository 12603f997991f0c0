package plugin

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
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
