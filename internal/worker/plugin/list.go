package plugin

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// The states of a plugin in a plugin directory.
const (
	// StateOK is a plugin that is as it was installed.
	StateOK = "ok"
	// StateModified is one whose files differ.
	StateModified = "modified"
	// StateMissing is one whose folder is gone.
	StateMissing = "missing"
	// StateUninstalled is a plugin folder that was never installed.
	StateUninstalled = "not installed"
	// StateBroken is one that cannot be read.
	StateBroken = "broken"
)

// Status is a plugin of a plugin directory as it is now.
type Status struct {
	Name        string `json:"name"`
	Version     string `json:"version,omitempty"`
	Description string `json:"description,omitempty"`
	Author      string `json:"author,omitempty"`
	License     string `json:"license,omitempty"`
	// Path is its folder.
	Path string `json:"path"`
	// State is one of [StateOK], [StateModified], [StateMissing],
	// [StateUninstalled] and [StateBroken].
	State string `json:"state"`
	// Error says what is wrong, "" if nothing is.
	Error string `json:"error,omitempty"`
	// Changes are the files that differ from those that were installed.
	Changes []Change `json:"changes"`

	Source    *Source `json:"source,omitempty"`
	Checksum  string  `json:"checksum,omitempty"`
	Integrity string  `json:"integrity,omitempty"`
	// PURL names a package of npm as inventories do, "" for what came from elsewhere.
	PURL string `json:"purl,omitempty"`

	Handlers     []string     `json:"handlers"`
	Permissions  []Permission `json:"permissions"`
	Dependencies []Dependency `json:"dependencies"`
	// Bytes is the size of its files.
	Bytes int64 `json:"bytes"`
}

// List describes every plugin of the directory, sorted by name.
func (m *Manager) List(ctx context.Context) ([]Status, error) {
	claim, err := claimToRead(ctx, m.dir)
	if err != nil {
		return nil, err
	}
	defer claim.release()
	lock, err := readLock(m.dir)
	if err != nil {
		return nil, err
	}
	list := []Status{}
	for _, name := range slices.Sorted(maps.Keys(lock.Plugins)) {
		list = append(list, m.status(name, lock.Plugins[name]))
	}
	folders, err := Find(m.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, folder := range folders {
		name, err := filepath.Rel(m.dir, folder)
		if err != nil {
			return nil, err
		}
		if _, installed := lock.Plugins[filepath.ToSlash(name)]; !installed {
			list = append(list, m.uninstalled(filepath.ToSlash(name), folder))
		}
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (m *Manager) status(name string, entry Entry) Status {
	source := entry.Source
	s := Status{
		Name: name, Version: entry.Version, Path: pluginPath(m.dir, name), State: StateOK, Changes: []Change{},
		Source: &source, Checksum: entry.Checksum, Integrity: entry.Integrity,
		Handlers: slices.Concat([]string{}, entry.Handlers), Permissions: entry.Permissions.List(),
		Dependencies: dependencies(entry.Packages),
	}
	if source.Type == NPM {
		s.PURL = packageURL(source.packageName(), entry.Version)
	}
	files, err := verifyFiles(m.dir, name, entry, m.opts.Limits)
	s.Bytes = files.size()
	s.describe()
	var modified *ModifiedError
	switch {
	case errors.As(err, &modified):
		s.State, s.Error = StateModified, err.Error()
		s.Changes = slices.Concat(s.Changes, modified.Changes)
		if taken, _ := occupied(s.Path); !taken {
			s.State = StateMissing
		}
	case err != nil:
		s.State, s.Error = StateBroken, err.Error()
	}
	return s
}

func (m *Manager) uninstalled(name, folder string) Status {
	s := Status{
		Name: name, Path: folder, State: StateUninstalled, Changes: []Change{},
		Handlers: []string{}, Permissions: []Permission{}, Dependencies: []Dependency{},
	}
	p, err := Read(folder)
	if err != nil {
		s.State, s.Error = StateBroken, err.Error()
	} else {
		s.Version, s.Permissions = p.Version, p.Permissions.List()
	}
	if files, err := scan(folder, m.opts.Limits); err == nil {
		s.Bytes = files.size()
	}
	s.describe()
	return s
}

// describe fills in what only the manifest tells. If it cannot be read that stays
// empty: the state says why.
func (s *Status) describe() {
	if p, err := Read(s.Path); err == nil {
		s.Description, s.Author, s.License = p.Description, p.Author, p.License
	}
}

// Check compares an installed plugin with the lock file. It returns a
// [*ModifiedError] if it differs, and [ErrNotInstalled].
func (m *Manager) Check(ctx context.Context, name string) error {
	claim, err := claimToRead(ctx, m.dir)
	if err != nil {
		return err
	}
	defer claim.release()
	entry, err := m.Entry(name)
	if err != nil {
		return err
	}
	return m.verifyEntry(name, entry)
}
