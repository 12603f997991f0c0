//go:build unix

package sandbox

import (
	"fmt"
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

// setLimits sets the resource limits that the program inherits. They are the
// process's own, so the keeper lives within them as well, as it easily can.
func setLimits(s spec) error {
	p := s.Policy
	limits := []struct {
		resource int
		value    uint64
		set      bool
		name     string
	}{
		{unix.RLIMIT_CORE, 0, true, "core dumps"},
		{unix.RLIMIT_NOFILE, uint64(max(p.OpenFiles, 0)), p.OpenFiles > 0, "open files"},
		{unix.RLIMIT_FSIZE, uint64(max(p.FileSize, 0)), p.FileSize > 0, "file size"},
	}
	for _, l := range limits {
		if !l.set {
			continue
		}
		if err := lowerLimit(l.resource, l.value); err != nil {
			return fmt.Errorf("limit %s: %w", l.name, err)
		}
	}
	return nil
}

// lowerLimit sets a limit unless a lower one is in force already.
func lowerLimit(resource int, value uint64) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil {
		return err
	}
	value = min(value, math.MaxInt64, now.Max)
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: value, Max: value})
}

// restrictUmask keeps what a confined program writes to the worker's user. One
// that is as trusted as the worker writes files as the worker does.
func restrictUmask(p Policy) {
	if !p.AllFiles {
		unix.Umask(0o077)
	}
}
