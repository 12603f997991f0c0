package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Staged is a plugin that was fetched and checked, but is not in its place and
// has run nothing. It must be closed.
type Staged struct {
	// Plugin is what its manifest says.
	Plugin *Plugin
	// Source is where it came from.
	Source Source
	// Checksum is over its files, Integrity that of its archive, if it came in one.
	Checksum  string
	Integrity string
	// Packages are the npm packages that it brings along, as far as npm has noted
	// them, by their places.
	Packages map[string]Pin
	// Previous is what is installed under its name, nil if nothing is.
	Previous *Entry

	work    *staging
	tree    string // where its files are
	inPlace bool   // they are where they belong already
	pinned  *Entry // what it must turn out to be, nil if that is free
	// packageVersion is what the registry calls the version, "" for what comes
	// from elsewhere.
	packageVersion string
	files          listing
}

// Close removes what was staged, unless it was installed.
func (s *Staged) Close() error { return s.work.close() }

// Beyond returns what the plugin asks for beyond what its predecessor was granted.
func (s *Staged) Beyond() []Permission {
	if s.Previous == nil {
		return s.Plugin.Permissions.List()
	}
	return s.Plugin.Permissions.Beyond(s.Previous.Permissions)
}

// Unchanged reports whether exactly this is installed.
func (s *Staged) Unchanged() bool { return s.Previous != nil && s.Previous.Checksum == s.Checksum }

// Stage fetches a plugin and checks it. None of its code runs. The error may be
// an [*UnsafeError], an [*EngineError] or an [*NPMError], and wraps [ErrNoPlugin].
func (m *Manager) Stage(ctx context.Context, source Source) (*Staged, error) {
	work, err := newStaging(ctx, m.dir)
	if err != nil {
		return nil, err
	}
	return m.stageIn(ctx, &Staged{Source: source, work: work})
}

func (m *Manager) stageIn(ctx context.Context, s *Staged) (*Staged, error) {
	if err := m.stage(ctx, s); err != nil {
		return nil, errors.Join(err, s.work.close())
	}
	return s, nil
}

func (m *Manager) stage(ctx context.Context, s *Staged) (err error) {
	if err := m.fetch(ctx, s); err != nil {
		return err
	}
	if s.Plugin, err = Read(s.tree); err != nil {
		return err
	}
	if s.packageVersion != "" && s.packageVersion != s.Plugin.Version {
		return &UnsafeError{Reason: fmt.Sprintf("npm calls it version %s, its manifest %s", s.packageVersion, s.Plugin.Version)}
	}
	if err := s.Plugin.checkHost(m.opts.HostVersion); err != nil {
		return err
	}
	if err := m.completeDependencies(ctx, s); err != nil {
		return err
	}
	if s.files, err = scan(s.tree, m.opts.Limits); err != nil {
		return err
	}
	if err := s.files.checkSafe(); err != nil {
		return err
	}
	s.Checksum = s.files.checksum()
	entry, err := m.Entry(s.Plugin.Name)
	switch {
	case err == nil:
		s.Previous = &entry
	case !errors.Is(err, ErrNotInstalled):
		return err
	}
	if s.inPlace {
		return m.checkInPlace(s)
	}
	return s.checkRepublished()
}

// fetch brings the plugin's files into the staging folder.
func (m *Manager) fetch(ctx context.Context, s *Staged) (err error) {
	s.tree = s.work.tree()
	switch s.Source.Type {
	case Folder:
		return m.fetchFolder(s)
	case Archive:
		return m.fetchArchive(s, s.Source.Path)
	case NPM:
		return m.fetchPackage(ctx, s)
	default:
		return fmt.Errorf("source of type %q is unknown", s.Source.Type)
	}
}

func (m *Manager) fetchPackage(ctx context.Context, s *Staged) error {
	archive, err := m.npm.pack(ctx, s.Source, s.work.dir)
	if err != nil {
		return err
	}
	if err := m.fetchArchive(s, filepath.Join(s.work.dir, archive.Filename)); err != nil {
		return err
	}
	if archive.Integrity != s.Integrity {
		return &UnsafeError{Reason: fmt.Sprintf("npm says that its archive is %s, but it is %s", archive.Integrity, s.Integrity)}
	}
	s.packageVersion = archive.Version
	return nil
}

func (m *Manager) fetchFolder(s *Staged) error {
	path, err := filepath.EvalSymlinks(s.Source.Path)
	if err != nil {
		return fmt.Errorf("the plugin's folder: %w", err)
	}
	if pathCovers(path, m.dir) {
		return fmt.Errorf("%s holds the plugin directory, so it cannot be copied into it", path)
	}
	if pathCovers(m.dir, path) && isPlugin(path) {
		s.tree, s.inPlace = path, true
		return nil
	}
	return copyTree(path, s.tree, m.opts.Limits)
}

func (m *Manager) fetchArchive(s *Staged, archive string) (err error) {
	unpackedDir := filepath.Join(s.work.dir, "unpacked")
	if s.Integrity, err = unpack(archive, unpackedDir, m.opts.Limits); err != nil {
		return err
	}
	root, err := packageRoot(unpackedDir)
	if err != nil {
		return err
	}
	return unpacked(os.Rename(root, s.tree))
}

// completeDependencies fetches the npm packages that are not there yet, and
// lists all that are.
func (m *Manager) completeDependencies(ctx context.Context, s *Staged) error {
	missing := false
	if !s.inPlace {
		var err error
		if missing, err = missesDependencies(s.tree); err != nil {
			return err
		}
	}
	if missing {
		if err := m.installPackages(ctx, s); err != nil {
			return err
		}
	}
	notes, err := readNotes(s.tree)
	if err != nil {
		return err
	}
	if missing {
		if err := checkOrigins(notes); err != nil {
			return err
		}
	}
	s.Packages = pins(notes)
	if s.inPlace {
		return nil
	}
	return dropNotes(s.tree)
}

// installPackages has npm fetch what the plugin's own lock file of npm says, else
// what is pinned, else what its package.json asks for.
func (m *Manager) installPackages(ctx context.Context, s *Staged) error {
	if isFile(filepath.Join(s.tree, npmLock)) || isFile(filepath.Join(s.tree, shrinkwrap)) {
		return m.npm.install(ctx, s.tree, locked)
	}
	if s.pinned == nil {
		return m.npm.install(ctx, s.tree, free)
	}
	if err := writeNPMLock(s.tree, s.pinned.Packages); err != nil {
		return err
	}
	if err := m.npm.install(ctx, s.tree, pinned); err != nil {
		return err
	}
	return os.Remove(filepath.Join(s.tree, npmLock))
}

// checkInPlace sees to it that a folder that is taken on where it stands stands
// where its name says.
func (m *Manager) checkInPlace(s *Staged) error {
	if want := pluginPath(m.dir, s.Plugin.Name); s.tree != want {
		return fmt.Errorf("the plugin %s is in the folder %s of the plugin directory; rename the folder to %s first",
			s.Plugin.Name, s.tree, want)
	}
	return nil
}

// checkRepublished refuses an archive of a registry that differs from the one
// that was installed as the same version: versions do not change.
func (s *Staged) checkRepublished() error {
	p := s.Previous
	if s.Source.Type != NPM || p == nil || p.Source.Type != NPM || p.Version != s.Plugin.Version || p.Integrity == s.Integrity {
		return nil
	}
	return &UnsafeError{Reason: fmt.Sprintf("version %s of %s in the registry is not the one that was installed (%s then, %s now); if that is right, remove the plugin and install it anew",
		s.Plugin.Version, s.Plugin.Name, p.Integrity, s.Integrity)}
}

// occupied reports whether something stands in a plugin's place.
func occupied(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// InPlace reports whether the plugin is a folder of the plugin directory, which
// is taken on where it stands.
func (s *Staged) InPlace() bool { return s.inPlace }

// Size counts the plugin's files and their bytes.
func (s *Staged) Size() (files int, bytes int64) { return len(s.files), s.files.size() }
