package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxrssUnit is the unit of Rusage.Maxrss, in bytes.
const maxrssUnit = 1024

// selfPath leads to the running binary also when its file has been replaced.
func selfPath() string { return "/proc/self/exe" }

// programAttributes make the program lead a session, and end with a keeper that
// is killed.
func programAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

func dup(from, to int) error { return unix.Dup3(from, to, 0) }

// prepare makes the place in which the program will run.
func prepare(s *spec) error {
	// Descriptors that our own parents have left open are none of the program's.
	if err := unix.CloseRange(3, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		closeOnExec()
	}
	restrictUmask(s.Policy)
	if !s.Namespaces {
		// Orphans below come to the keeper, and not to the first process.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("take in orphans: %w", err)
		}
		return nil
	}
	return ownMounts(s)
}

// closeOnExec is close_range for kernels before 5.11.
func closeOnExec() {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// ownMounts shows the program its own processes only, and gives it shared memory
// of its own. Where that is not allowed it sees what all see.
func ownMounts(s *spec) error {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, "")
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	_ = unix.Mount("proc", "/proc", "proc", flags, "")
	s.ownSharedMemory = unix.Mount("tmpfs", sharedMemory, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=64m") == nil
	return nil
}

// sharedMemory is where POSIX shared memory and semaphores are.
const sharedMemory = "/dev/shm"

// preferForOOM makes the kernel, when the machine runs out of memory, end the
// program rather than the worker or its Redis.
func preferForOOM(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("500"), 0)
}

// killDescendants kills all processes below this one. Those that the program made may
// be anywhere, but their parents are known.
func killDescendants() {
	root := os.Getpid()
	children := map[int][]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			parent := parentOf(pid)
			children[parent] = append(children[parent], pid)
		}
	}
	for todo := children[root]; len(todo) > 0; todo = todo[1:] {
		_ = unix.Kill(todo[0], unix.SIGKILL)
		todo = append(todo, children[todo[0]]...)
	}
}

// parentOf returns the parent's process id, and 0 if there is none.
func parentOf(pid int) int {
	fields, err := statFields(pid)
	if err != nil {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// statFields returns the fields of /proc/PID/stat that follow the name.
func statFields(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("process %d is described in too few words", pid)
	}
	return fields, nil
}
