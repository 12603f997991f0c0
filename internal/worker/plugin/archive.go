package plugin

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpack extracts a gzipped tar archive into a new folder, and returns the
// archive's digest in npm's form. Whatever could reach beyond the folder, or is
// not a plain file, makes it fail. Of modes, only the execute bit is kept.
func unpack(archive, to string, limits Limits) (integrity string, err error) {
	f, err := os.Open(archive)
	if err != nil {
		return "", fmt.Errorf("open the archive: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("open the archive: %w", err)
	}
	if info.Size() > limits.ArchiveBytes {
		return "", &UnsafeError{Reason: fmt.Sprintf("the archive is larger than %d bytes", limits.ArchiveBytes)}
	}
	digest := sha512.New()
	content := io.TeeReader(io.LimitReader(f, limits.ArchiveBytes), digest)
	unzipped, err := gzip.NewReader(content)
	if err != nil {
		return "", fmt.Errorf("%s is not a gzipped archive: %w", filepath.Base(archive), err)
	}
	if err := extract(tar.NewReader(sound{unzipped}), to, limits); err != nil {
		return "", err
	}
	// What follows the last entry belongs to the digest too.
	if _, err := io.Copy(io.Discard, content); err != nil {
		return "", fmt.Errorf("read the archive: %w", err)
	}
	return "sha512-" + base64.StdEncoding.EncodeToString(digest.Sum(nil)), nil
}

// sound names the reason when what it reads cannot be unzipped.
type sound struct{ unzipped io.Reader }

func (s sound) Read(p []byte) (int, error) {
	n, err := s.unzipped.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("the archive is damaged: %w", err)
	}
	return n, err
}

func extract(entries *tar.Reader, to string, limits Limits) error {
	if err := os.Mkdir(to, folderMode); err != nil {
		return fmt.Errorf("unpack the archive: %w", err)
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return fmt.Errorf("unpack the archive: %w", err)
	}
	defer func() { _ = root.Close() }() // files were closed one by one
	x := extraction{root: root, count: budget{limits: limits}, folders: map[string]bool{".": true}}
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the archive: %w", err)
		}
		if err := x.entry(header, entries); err != nil {
			return err
		}
	}
}

// extraction is an archive being written to a folder.
type extraction struct {
	root    *os.Root
	count   budget
	folders map[string]bool // that were made
}

// entry writes one entry. That links are refused keeps the paths of
// later entries within the folder; that they are opened through the root would
// do so too.
func (x *extraction) entry(header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil // what git notes of the commit
	}
	name := strings.TrimPrefix(header.Name, "./")
	if header.Typeflag == tar.TypeDir {
		name = strings.TrimSuffix(name, "/")
	}
	if name == "" || name == "." {
		return nil
	}
	if err := checkPathWithin(name); err != nil {
		return err
	}
	if isAnyLeftOut(name) {
		return nil
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return x.folder(name)
	case tar.TypeReg:
		return x.file(name, header, content)
	default:
		return &UnsafeError{name, "is neither a file nor a folder: links and devices are not installed"}
	}
}

// folder makes a folder and those above it.
func (x *extraction) folder(name string) error {
	if x.folders[name] {
		return nil
	}
	if err := x.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := x.count.file(0); err != nil {
		return err
	}
	x.folders[name] = true
	err := x.root.Mkdir(name, folderMode)
	if errors.Is(err, os.ErrExist) {
		return &UnsafeError{name, "is in the archive as a file and as a folder"}
	}
	return unpacked(err)
}

func (x *extraction) file(name string, header *tar.Header, content io.Reader) error {
	if err := x.folder(path.Dir(name)); err != nil {
		return err
	}
	if err := x.count.file(header.Size); err != nil {
		return err
	}
	perm := os.FileMode(0o644)
	if header.Mode&0o111 != 0 {
		perm = 0o755
	}
	out, err := x.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if errors.Is(err, os.ErrExist) {
		return &UnsafeError{name, "is in the archive twice"}
	}
	if err != nil {
		return unpacked(err)
	}
	_, err = io.Copy(out, content)
	return unpacked(errors.Join(err, out.Close()))
}

// isAnyLeftOut reports whether a path is left out, or a folder above it.
func isAnyLeftOut(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if isLeftOut(name) {
			return true
		}
	}
	return false
}

func unpacked(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("unpack the archive: %w", err)
}

// packageRoot finds the plugin in an unpacked archive: at its top or, as npm
// and most others pack, in the one folder there.
func packageRoot(dir string) (string, error) {
	if isPlugin(dir) {
		return dir, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", unpacked(err)
	}
	if len(entries) == 1 && entries[0].IsDir() {
		return filepath.Join(dir, entries[0].Name()), nil
	}
	return dir, nil
}
