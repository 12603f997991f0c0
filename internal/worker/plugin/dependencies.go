package plugin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dependency is a package that a plugin brought along.
type Dependency struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Integrity is the digest of its archive, in npm's form.
	Integrity string `json:"integrity,omitempty"`
}

// hiddenLock is where npm notes what it has put into a node_modules.
const hiddenLock = "node_modules/.package-lock.json"

// noted is a package of a [hiddenLock].
type noted struct {
	Name      string `json:"name"` // if it is not that of its folder
	Version   string `json:"version"`
	Resolved  string `json:"resolved"`
	Integrity string `json:"integrity"`
	Link      bool   `json:"link"`
	InBundle  bool   `json:"inBundle"`
}

// readNotes returns what npm notes about a plugin's node_modules, by paths, and
// nothing if it notes nothing.
func readNotes(dir string) (map[string]noted, error) {
	text, err := readSmall(filepath.Join(dir, filepath.FromSlash(hiddenLock)), maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var notes struct {
		Packages map[string]noted `json:"packages"`
	}
	if err == nil {
		err = json.Unmarshal(text, &notes)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", hiddenLock, err)
	}
	return notes.Packages, nil
}

// dependencies lists the packages that npm notes.
func dependencies(notes map[string]noted) []Dependency {
	var list []Dependency
	for path, n := range notes {
		name := path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):]
		list = append(list, Dependency{cmp.Or(n.Name, name), n.Version, n.Integrity})
	}
	slices.SortFunc(list, func(a, b Dependency) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return slices.Compact(list)
}

// checkOrigins refuses packages that came from elsewhere than a registry: an
// older npm does not know all of [npmFlags].
func checkOrigins(notes map[string]noted) error {
	for path, n := range notes {
		fromRegistry := strings.HasPrefix(n.Resolved, "https://") || strings.HasPrefix(n.Resolved, "http://")
		if n.Link || (!fromRegistry && !n.InBundle) {
			return &UnsafeError{path, "is a dependency that comes from a file or repository; plugins take theirs from npm registries"}
		}
	}
	return nil
}

// dropNotes removes npm's notes: they name the registry, so that the same plugin
// would have another checksum wherever it came from another mirror.
func dropNotes(dir string) error {
	err := os.Remove(filepath.Join(dir, filepath.FromSlash(hiddenLock)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// missesDependencies reports whether a folder is a package whose dependencies
// are not all there.
func missesDependencies(dir string) (bool, error) {
	text, err := readSmall(filepath.Join(dir, npmManifest), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var m struct {
		Dependencies     map[string]string          `json:"dependencies"`
		PeerDependencies map[string]string          `json:"peerDependencies"`
		PeersMeta        map[string]json.RawMessage `json:"peerDependenciesMeta"`
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return false, fmt.Errorf("%s: %w", npmManifest, err)
	}
	for _, list := range []map[string]string{m.Dependencies, m.PeerDependencies} {
		for name := range list {
			_, mayMiss := m.PeersMeta[name]
			installed := filepath.Join("node_modules", filepath.FromSlash(name), npmManifest)
			if !mayMiss && (!filepath.IsLocal(installed) || !isFile(filepath.Join(dir, installed))) {
				return true, nil
			}
		}
	}
	return false, nil
}
