package sandbox

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxrssUnit is the unit of Rusage.Maxrss, in bytes.
const maxrssUnit = 1

func selfPath() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// programAttributes make the program lead a session.
func programAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func dup(from, to int) error { return unix.Dup2(from, to) }

func prepare(s *spec) error {
	restrictUmask(s.Policy)
	return nil
}

// confine sets the limits this system has. It has no permissions to take away
// from a thread.
func confine(s spec) error { return setLimits(s) }

func preferForOOM(int) {}

func limitProgram(spec, int) error { return nil }

// killDescendants has nothing to find them by here: children that have left the
// program's process group stay.
func killDescendants() {}
