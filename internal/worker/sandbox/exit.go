package sandbox

import (
	"fmt"
	"os"
	"syscall"
)

// ExitError says how a program ended that did not exit with code 0.
type ExitError struct {
	// Code is the exit code; 0 if a signal ended the program.
	Code int
	// Signal is what ended the program; 0 if it exited.
	Signal int
	// OutOfMemory says that the kernel ended it, or a process it had started,
	// because they reached the policy's memory.
	OutOfMemory bool
	// PeakMemory is the most memory the program held at once, in bytes; 0 if it
	// is not known.
	PeakMemory int64
	// Policy is what the program ran under.
	Policy Policy
}

// Error says it in words that follow on "the program".
func (e *ExitError) Error() string {
	switch {
	case e.OutOfMemory:
		return "ran out of memory (it may use " + FormatBytes(e.Policy.Memory) + ")"
	case e.Signal == 0:
		return fmt.Sprintf("exited with code %d", e.Code)
	}
	switch s := syscall.Signal(e.Signal); s {
	case syscall.SIGKILL:
		return "was killed (signal KILL; the system does that when memory runs out)"
	case syscall.SIGSEGV:
		return "crashed (signal SEGV, segmentation fault)"
	case syscall.SIGABRT:
		return "aborted (signal ABRT)"
	case syscall.SIGXFSZ:
		return "was ended for writing a file of more than " + FormatBytes(e.Policy.FileSize)
	default:
		return fmt.Sprintf("was ended by a signal (%s)", s)
	}
}

// exitOf says how a process of our own ended.
func exitOf(state *os.ProcessState) (code, signal int) {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 0, int(status.Signal())
	}
	return state.ExitCode(), 0
}

// FormatBytes writes a size in the unit that suits it, such as "512 MiB".
func FormatBytes(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if value == float64(int64(value)) {
		return fmt.Sprintf("%d %s", int64(value), units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// reachedMemory reports whether the program ended as runtimes with a heap of
// their own do when they are refused more memory: they abort, after having held
// about as much as they may.
func (e *ExitError) reachedMemory() bool {
	switch syscall.Signal(e.Signal) {
	case syscall.SIGABRT, syscall.SIGTRAP:
		return e.Policy.Memory > 0 && e.PeakMemory >= e.Policy.Memory/4*3
	default:
		return false
	}
}
