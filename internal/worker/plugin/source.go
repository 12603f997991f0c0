package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// SourceType is where a plugin comes from.
type SourceType string

// The types of sources.
const (
	// Folder is a folder on this machine.
	Folder SourceType = "folder"
	// Archive is a .tar.gz or .tgz file on this machine.
	Archive SourceType = "archive"
	// NPM is a package of npm's registry.
	NPM SourceType = "npm"
)

// Source says where a plugin comes from, so that it can be fetched again.
type Source struct {
	Type SourceType `json:"type"`
	// Path is that of a folder or archive, absolute, or relative to the plugin
	// directory. "" for packages.
	Path string `json:"path,omitempty"`
	// Spec is a package's name, perhaps with "@" and a version, range or tag.
	Spec string `json:"spec,omitempty"`
}

// String writes a source as [ParseSource] reads it.
func (s Source) String() string {
	if s.Type == NPM {
		return npmPrefix + s.Spec
	}
	return s.Path
}

// npmPrefix makes a text mean a package even if there is a folder of that name.
const npmPrefix = "npm:"

// npmSpec is a package name, and a version, range or tag that needs no quoting.
// It leaves no way to name a URL, a git repository, a file or an option.
var npmSpec = regexp.MustCompile(`^((?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*)(?:@([A-Za-z0-9^~<>=|*][A-Za-z0-9 .+^~<>=|*_-]{0,127}))?$`)

// isTarball tells what npm would take for a file in spite of its place.
var isTarball = regexp.MustCompile(`@[^@]+\.(tgz|tar|tar\.gz)$`)

// ParseSource reads where to install from: the path of a folder or of a .tar.gz
// or .tgz file, or an npm package as npm:NAME or npm:NAME@VERSION. The prefix
// may be left out if there is no file or folder of that name.
func ParseSource(text string) (Source, error) {
	if spec, ok := strings.CutPrefix(text, npmPrefix); ok {
		s := Source{Type: NPM, Spec: spec}
		return s, s.check()
	}
	info, err := os.Stat(text)
	if err == nil {
		path, err := filepath.Abs(text)
		switch {
		case err != nil:
			return Source{}, err
		case info.IsDir():
			return Source{Type: Folder, Path: path}, nil
		case isArchiveName(path) && info.Mode().IsRegular():
			return Source{Type: Archive, Path: path}, nil
		default:
			return Source{}, fmt.Errorf("%s is neither a folder nor a .tar.gz or .tgz file", text)
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Source{}, err
	}
	s := Source{Type: NPM, Spec: text}
	if s.check() != nil || isArchiveName(text) || (strings.ContainsAny(text, `/\`) && !strings.HasPrefix(text, "@")) {
		return Source{}, fmt.Errorf("there is no file or folder %q, and it is not the name of an npm package", text)
	}
	return s, nil
}

func isArchiveName(path string) bool {
	return strings.HasSuffix(path, ".tar.gz") || strings.HasSuffix(path, ".tgz")
}

func (s Source) check() error {
	switch {
	case s.Type == NPM && s.Path == "" && npmSpec.MatchString(s.Spec) && checkName(s.packageName()) == nil && !isTarball.MatchString(s.Spec):
		return nil
	case s.Type == NPM:
		return fmt.Errorf("%q is not an npm package's name, perhaps with @ and a version", s.Spec)
	case (s.Type == Folder || s.Type == Archive) && s.Path != "" && s.Spec == "":
		return nil
	default:
		return fmt.Errorf("source of type %q is incomplete or unknown", s.Type)
	}
}

// packageName is the name in a package's spec.
func (s Source) packageName() string {
	parts := npmSpec.FindStringSubmatch(s.Spec)
	if parts == nil {
		return ""
	}
	return parts[1]
}

// recorded is the source as the lock file of dir keeps it: with a path that
// still holds when the directory and what lies beside it move together.
func (s Source) recorded(dir string) Source {
	if s.Type == NPM {
		return s
	}
	parent := filepath.Dir(dir)
	if path, err := filepath.Rel(dir, s.Path); err == nil && (pathCovers(parent, s.Path) && parent != everyFile) {
		s.Path = filepath.ToSlash(path)
	}
	return s
}

// located is a recorded source with its absolute path.
func (s Source) located(dir string) Source {
	if s.Type != NPM && !filepath.IsAbs(s.Path) {
		s.Path = filepath.Join(dir, filepath.FromSlash(s.Path))
	}
	return s
}
