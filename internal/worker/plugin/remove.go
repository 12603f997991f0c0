package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Remove removes an installed plugin with its folder. Unless overwrite allows
// it, files that were changed since they were installed stop it with a
// [*ModifiedError]. It returns [ErrNotInstalled] for any other plugin.
func (m *Manager) Remove(ctx context.Context, name string, overwrite bool) (err error) {
	if _, err := m.Entry(name); err != nil {
		return err
	}
	work, err := newStaging(ctx, m.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.close()) }()
	return m.change(ctx, func(lock *Lock) error {
		entry, ok := lock.Plugins[name]
		if !ok {
			return fmt.Errorf("%s: %w", name, ErrNotInstalled)
		}
		target := pluginPath(m.dir, name)
		taken, err := occupied(target)
		if err != nil {
			return fmt.Errorf("plugin directory: %w", err)
		}
		if taken && !overwrite {
			if err := m.verifyEntry(name, entry); err != nil {
				return err
			}
		}
		return m.take(lock, work, name, taken)
	})
}

// take moves a plugin's folder away and then forgets it.
func (m *Manager) take(lock *Lock, work *staging, name string, taken bool) (err error) {
	target := pluginPath(m.dir, name)
	if taken {
		if err := work.intend(plan{Name: name}); err != nil {
			return fmt.Errorf("plugin directory: %w", err)
		}
		if err := os.Rename(target, work.tree()); err != nil {
			return fmt.Errorf("take plugin %s out of its place: %w", name, err)
		}
	}
	delete(lock.Plugins, name)
	if err := lock.write(m.dir); err != nil {
		if taken {
			err = errors.Join(err, os.Rename(work.tree(), target))
		}
		return err
	}
	m.dropListings(lock)
	if scope := filepath.Dir(target); scope != m.dir {
		_ = os.Remove(scope) // fails while other plugins are in it, as it should
	}
	return nil
}
