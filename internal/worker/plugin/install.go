package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// PermissionError says that a plugin asks for more than it is granted.
type PermissionError struct {
	Plugin  string
	Missing []Permission
}

// Error lists what is missing.
func (e *PermissionError) Error() string {
	var list []string
	for _, p := range e.Missing {
		list = append(list, p.String())
	}
	return fmt.Sprintf("plugin %s asks for more than it is granted: %s", e.Plugin, strings.Join(list, ", "))
}

// InstallOptions are the choices of [Manager.Install].
type InstallOptions struct {
	// Granted are the permissions that the plugin may have. What it asks for
	// must lie within.
	Granted Permissions
	// Replace allows that the plugin is installed already.
	Replace bool
	// Overwrite allows that files were changed since they were installed, which
	// are lost then.
	Overwrite bool
}

// Install puts a staged plugin into its place. If it fails, what was there stays
// there. The error may be a [*PermissionError], a [*ModifiedError] or one of
// [ErrInstalled], [ErrNotInstalled], [ErrOccupied] and [ErrBusy].
func (m *Manager) Install(ctx context.Context, s *Staged, opts InstallOptions) (Entry, error) {
	name := s.Plugin.Name
	if missing := s.Plugin.Permissions.Beyond(opts.Granted); len(missing) > 0 {
		return Entry{}, &PermissionError{name, missing}
	}
	if s.Previous != nil && !opts.Replace {
		return Entry{}, fmt.Errorf("%s: %w, in the version %s", name, ErrInstalled, s.Previous.Version)
	}
	entry := Entry{
		Version: s.Plugin.Version, Source: s.Source.recorded(m.dir), Checksum: s.Checksum, Integrity: s.Integrity,
		Permissions: s.Plugin.Permissions, Packages: s.Packages,
	}
	var err error
	if entry.Handlers, err = m.try(ctx, s); err != nil {
		return Entry{}, err
	}
	err = m.change(ctx, func(lock *Lock) error {
		if err := m.mayReplace(lock, s, opts); err != nil {
			return err
		}
		if err := lock.checkHandlers(name, entry.Handlers); err != nil {
			return err
		}
		return m.put(lock, s, entry)
	})
	return entry, err
}

// try loads the staged plugin, in its sandbox, and sees to it that it has not
// changed itself while it ran.
func (m *Manager) try(ctx context.Context, s *Staged) ([]string, error) {
	if m.opts.Try == nil {
		return nil, nil
	}
	tried := *s.Plugin
	tried.Modules = slices.Clone(tried.Modules)
	tried.confine(m.opts.Base, m.opts.HandlerEnv)
	handlers, err := m.opts.Try(ctx, &tried)
	if err != nil {
		return nil, fmt.Errorf("plugin %s could not be loaded: %w", tried.Name, err)
	}
	files, err := scan(s.tree, m.opts.Limits)
	if err != nil {
		return nil, err
	}
	if changes := compare(s.files, files); len(changes) > 0 {
		return nil, fmt.Errorf("plugin %s wrote to its own folder while it was loaded: %s", tried.Name, describeChanges(changes))
	}
	slices.Sort(handlers)
	return handlers, nil
}

// mayReplace looks again at what stands in the plugin's place.
func (m *Manager) mayReplace(lock *Lock, s *Staged, opts InstallOptions) error {
	name := s.Plugin.Name
	entry, installed := lock.Plugins[name]
	if installed != (s.Previous != nil) || (installed && entry.Checksum != s.Previous.Checksum) {
		return fmt.Errorf("%s: %w", name, ErrBusy)
	}
	if s.inPlace {
		return nil
	}
	taken, err := occupied(pluginPath(m.dir, name))
	switch {
	case err != nil:
		return fmt.Errorf("plugin directory: %w", err)
	case taken && !installed:
		return fmt.Errorf("%s: %w", pluginPath(m.dir, name), ErrOccupied)
	case taken && !opts.Overwrite:
		return m.verifyEntry(name, entry)
	}
	return nil
}

// checkHandlers refuses a handler that another plugin of the directory has: a
// worker would take only one of the two.
func (l *Lock) checkHandlers(name string, handlers []string) error {
	for _, other := range slices.Sorted(maps.Keys(l.Plugins)) {
		if other == name {
			continue
		}
		for _, h := range handlers {
			if slices.Contains(l.Plugins[other].Handlers, h) {
				return fmt.Errorf("plugin %s has a handler %q, which the installed plugin %s has too: remove one of the two", name, h, other)
			}
		}
	}
	return nil
}

// put makes the change. The lock file comes last: until it is written, all that
// was done is undone by whoever finds it.
func (m *Manager) put(lock *Lock, s *Staged, entry Entry) (err error) {
	name := s.Plugin.Name
	if err := m.saveListing(s.files); err != nil {
		return err
	}
	// A folder that stays where it is belongs to its author: nothing is to be
	// undone that could take it away.
	if !s.inPlace {
		defer func() {
			if err != nil {
				err = errors.Join(err, s.work.undo(m.dir, withPrevious(lock, name, s.Previous)))
			}
		}()
		if err := m.move(s); err != nil {
			return err
		}
	}
	lock.Plugins[name] = entry
	if err := lock.write(m.dir); err != nil {
		return err
	}
	m.dropListings(lock)
	return nil
}

// move makes the staged files and those in the plugin's place change places.
func (m *Manager) move(s *Staged) error {
	name := s.Plugin.Name
	target := pluginPath(m.dir, name)
	if err := s.work.intend(plan{Name: name, Checksum: s.Checksum}); err != nil {
		return fmt.Errorf("plugin directory: %w", err)
	}
	if err := swap(s.tree, target); err != nil {
		return fmt.Errorf("put plugin %s into its place: %w", name, err)
	}
	if err := syncDir(filepath.Dir(target)); err != nil {
		return fmt.Errorf("plugin directory: %w", err)
	}
	return nil
}

// withPrevious is a lock as it was before a plugin was changed.
func withPrevious(lock *Lock, name string, previous *Entry) *Lock {
	if previous == nil {
		delete(lock.Plugins, name)
	} else {
		lock.Plugins[name] = *previous
	}
	return lock
}
