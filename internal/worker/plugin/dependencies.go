package plugin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Dependency is a package that a plugin brought along.
type Dependency struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Integrity is the digest of its archive, in npm's form.
	Integrity string `json:"integrity,omitempty"`
	// PURL names it as inventories and lists of vulnerabilities do.
	PURL string `json:"purl"`
}

// packageURL is the name of an npm package by the specification of package URLs.
func packageURL(name, version string) string {
	return "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + url.QueryEscape(version)
}

// Pin is a package in a plugin's node_modules, in the words of npm's own lock
// files: all that npm needs to put the same one into the same place again, but
// for the registry, which each machine may have another of.
type Pin struct {
	// Name is set if it is not that of the package's folder.
	Name      string `json:"name,omitempty"`
	Version   string `json:"version"`
	Integrity string `json:"integrity,omitempty"`

	Dependencies         map[string]string          `json:"dependencies,omitempty"`
	OptionalDependencies map[string]string          `json:"optionalDependencies,omitempty"`
	PeerDependencies     map[string]string          `json:"peerDependencies,omitempty"`
	PeerDependenciesMeta map[string]json.RawMessage `json:"peerDependenciesMeta,omitempty"`
	BundleDependencies   json.RawMessage            `json:"bundleDependencies,omitempty"`

	InBundle bool            `json:"inBundle,omitempty"`
	Optional bool            `json:"optional,omitempty"`
	Peer     bool            `json:"peer,omitempty"`
	OS       json.RawMessage `json:"os,omitempty"`
	CPU      json.RawMessage `json:"cpu,omitempty"`
	Libc     json.RawMessage `json:"libc,omitempty"`
}

// Where npm notes what it has put, or is to put, into a node_modules.
const (
	npmLock    = "package-lock.json"
	shrinkwrap = "npm-shrinkwrap.json"
	hiddenLock = "node_modules/.package-lock.json"
)

// pinPath is where a package of a plugin may lie.
var pinPath = regexp.MustCompile(`^node_modules/(@[\w~.-]+/)?[\w~-][\w~.-]*(/node_modules/(@[\w~.-]+/)?[\w~-][\w~.-]*)*$`)

// noted is a package of a [hiddenLock].
type noted struct {
	Pin
	Resolved string `json:"resolved"`
	Link     bool   `json:"link"`
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

// pins is what of npm's notes is kept.
func pins(notes map[string]noted) map[string]Pin {
	if len(notes) == 0 {
		return nil
	}
	kept := make(map[string]Pin, len(notes))
	for path, n := range notes {
		kept[path] = n.Pin
	}
	return kept
}

// dependencies lists packages, each version of each once.
func dependencies(packages map[string]Pin) []Dependency {
	list := []Dependency{}
	for path, p := range packages {
		name := cmp.Or(p.Name, path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):])
		list = append(list, Dependency{name, p.Version, p.Integrity, packageURL(name, p.Version)})
	}
	slices.SortFunc(list, func(a, b Dependency) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return slices.Compact(list)
}

// checkOrigins refuses packages that came from elsewhere than a registry: an
// older npm does not know all of [npmFlags]. It notes no origin for packages that
// were bundled, or pinned without one.
func checkOrigins(notes map[string]noted) error {
	for path, n := range notes {
		fromRegistry := strings.HasPrefix(n.Resolved, "https://") || strings.HasPrefix(n.Resolved, "http://")
		if n.Link || (!fromRegistry && n.Resolved != "") {
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

// writeNPMLock writes a lock file of npm's that asks for exactly these packages.
func writeNPMLock(dir string, packages map[string]Pin) error {
	text, err := json.Marshal(map[string]any{"lockfileVersion": 3, "requires": true, "packages": packages})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, npmLock), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("pin the plugin's packages: %w", err)
	}
	return nil
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
