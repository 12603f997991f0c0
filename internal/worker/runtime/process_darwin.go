package runtime

import (
	"syscall"
	"unsafe"
)

// groupAttr makes the child lead a process group. This kernel has no signal for
// a dead parent; the end of its stdin ends the child.
func groupAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit returns when the process has ended, and leaves it to be waited for.
func awaitExit(pid int) {
	const (
		byPID   = 1    // P_PID
		exited  = 0x4  // WEXITED
		noReap  = 0x20 // WNOWAIT
		maxInfo = 128  // more than siginfo_t takes
	)
	var info [maxInfo]byte
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid),
			uintptr(unsafe.Pointer(&info[0])), exited|noReap, 0, 0)
		if errno != syscall.EINTR {
			return
		}
	}
}
