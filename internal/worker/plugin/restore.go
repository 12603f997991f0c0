package plugin

import (
	"context"
	"errors"
	"fmt"
)

// ErrDrifted says that a source no longer has what the lock file pins.
var ErrDrifted = errors.New("the source no longer has what the lock file pins")

// Restore installs a plugin as the lock file has it: the same files, whose
// permissions were granted when the lock file was written. It reports whether
// anything had to be done. The error may be [ErrNotInstalled], [ErrDrifted],
// those of [Manager.Stage], and a [*ModifiedError] if the plugin is there with
// files that were changed since.
func (m *Manager) Restore(ctx context.Context, name string) (done bool, err error) {
	entry, err := m.Entry(name)
	if err != nil {
		return false, err
	}
	taken, err := occupied(m.Path(name))
	if err != nil || taken {
		return false, errors.Join(err, m.Check(ctx, name))
	}
	work, err := newStaging(ctx, m.dir)
	if err != nil {
		return false, err
	}
	source := entry.Source
	if source.Type == NPM {
		source.Spec = source.packageName() + "@" + entry.Version
	}
	s, err := m.stageIn(ctx, &Staged{Source: source, work: work, pinned: &entry})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.Plugin.Name != name || s.Checksum != entry.Checksum {
		return false, fmt.Errorf("%w: %s has %s %s with the checksum %s, pinned is %s %s with %s; "+
			"`jobrunner plugin update %s` takes what is there now",
			ErrDrifted, source, s.Plugin.Name, s.Plugin.Version, s.Checksum, name, entry.Version, entry.Checksum, name)
	}
	if _, err := m.try(ctx, s); err != nil {
		return false, err
	}
	return true, m.change(ctx, func(lock *Lock) error {
		now, ok := lock.Plugins[name]
		if !ok || now.Checksum != entry.Checksum {
			return fmt.Errorf("%s: %w", name, ErrBusy)
		}
		if taken, err := occupied(m.Path(name)); err != nil || taken {
			return errors.Join(err, m.verifyEntry(name, now)) // somebody else was faster
		}
		return m.put(lock, s, now)
	})
}
