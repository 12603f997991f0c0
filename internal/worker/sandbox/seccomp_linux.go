package sandbox

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// auditArch is how seccomp names the machines we know the filter for.
var auditArch = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64,
	"arm64": unix.AUDIT_ARCH_AARCH64,
}

// x32Bit marks the system calls of amd64's second set of them.
const x32Bit = 0x40000000

// forbidSockets makes socket(2) fail with "permission denied". What has no name
// to be reached by, pipes and socketpair(2), stays. io_uring, which could make
// sockets behind the filter's back, seems not to be there.
//
// Landlock knows TCP only; this keeps UDP, raw and local sockets away as well.
func forbidSockets() error {
	arch, known := auditArch[runtime.GOARCH]
	if !known {
		return nil
	}
	const (
		offsetNumber, offsetArch = 0, 4 // in struct seccomp_data
		load                     = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal                    = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		atLeast                  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		answer                   = unix.BPF_RET | unix.BPF_K
	)
	filter := []unix.SockFilter{
		{Code: load, K: offsetArch},
		{Code: equal, K: arch, Jt: 1},
		{Code: answer, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: load, K: offsetNumber},
		{Code: atLeast, K: x32Bit, Jt: 3},
		{Code: equal, K: unix.SYS_IO_URING_SETUP, Jt: 2},
		{Code: equal, K: unix.SYS_SOCKET, Jt: 2},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))) //nolint:gosec // the kernel reads it
	runtime.KeepAlive(filter)
	if errno == unix.ENOSYS || errno == unix.EINVAL { // a kernel without filters
		return nil
	}
	if errno != 0 {
		return errno
	}
	return nil
}
