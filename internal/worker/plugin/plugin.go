package plugin

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// maxManifest bounds a manifest, in bytes.
const maxManifest = 1 << 20

// ErrNoPlugin says that a folder has no manifest of a plugin.
var ErrNoPlugin = errors.New("folder is not a plugin: it has neither a " + Manifest +
	" nor a package.json with the keyword " + npmKeyword)

// Plugin is a plugin folder as its manifest describes it.
type Plugin struct {
	// Dir is the folder.
	Dir         string
	Name        string
	Version     string
	Description string
	Author      string
	License     string
	// Permissions are what it asks for.
	Permissions Permissions
	// Undeclared says that it is an npm package that does not speak of
	// permissions: it asks for what an operator's own handlers have.
	Undeclared bool
	// Engine is the range of JobRunner versions that it is made for, "" for any.
	Engine string
	// Modules are the handler modules to load.
	Modules []runtime.Module
}

// Read reads the manifest of a folder. It returns [ErrNoPlugin] if there is none.
func Read(dir string) (*Plugin, error) {
	text, err := readSmall(filepath.Join(dir, Manifest), maxManifest)
	if err == nil {
		return parseOwn(dir, text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("plugin manifest: %w", err)
	}
	text, err = readSmall(filepath.Join(dir, npmManifest), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoPlugin)
	}
	if err != nil {
		return nil, fmt.Errorf("plugin manifest: %w", err)
	}
	return parseNPM(dir, text)
}

// Find returns the plugin folders of a directory: itself, or those right below
// it, and with npm's layout those below its scopes.
func Find(dir string) ([]string, error) {
	if isPlugin(dir) {
		return []string{dir}, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("plugin directory: %w", err)
	}
	var found []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case isPlugin(path):
			found = append(found, path)
		case strings.HasPrefix(e.Name(), "@") && e.IsDir():
			scoped, err := Find(path)
			if err != nil {
				return nil, err
			}
			found = append(found, scoped...)
		}
	}
	return found, nil
}

// isPlugin reports whether a folder is meant to be a plugin, even a broken one.
func isPlugin(dir string) bool {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false
	}
	_, err := Read(dir)
	return err == nil || !errors.Is(err, ErrNoPlugin)
}

// maxName is the length of the longest plugin name, as with npm.
const maxName = 214

// validName is npm's form of names. It makes a name a path within the plugin
// directory that no other part of ours uses: no part begins with a dot.
var validName = regexp.MustCompile(`^(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*$`)

func checkName(name string) error {
	if len(name) > maxName || !validName.MatchString(name) {
		return fmt.Errorf("plugin name %q must be of lower-case letters, digits, dots, hyphens and underscores, with a letter or digit first, perhaps after a scope as in @scope/name", name)
	}
	if name == "node_modules" {
		return fmt.Errorf("plugin name %q means something else to other programs", name)
	}
	return nil
}

// readSmall reads a file, up to a number of bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return text, nil
}
