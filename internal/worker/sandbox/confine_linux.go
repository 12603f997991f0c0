package sandbox

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"
)

// confine takes from the calling thread, and from the program that it will
// start, what the policy does not grant. The order matters: each step needs
// what a later one takes away.
func confine(s spec) error {
	if err := setLimits(s); err != nil {
		return err
	}
	if !s.Group {
		limitCPU(s.Policy)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if err := restrictFiles(s); err != nil {
		return fmt.Errorf("restrict files: %w", err)
	}
	if s.Policy.Network {
		return nil
	}
	if err := forbidSockets(); err != nil {
		return fmt.Errorf("forbid sockets: %w", err)
	}
	return nil
}

// keeperThreads is what a keeper takes of its program's number of processes.
const keeperThreads = 16

// memorySlack is what a program's memory may exceed the policy's where it is
// counted as address space it may write to: stacks of threads and the
// allocator's reserves count in full, used or not.
const memorySlack = 128 << 20

// limitProgram stands in for control groups, which count all processes of the
// program together: these limits are for each. They are set once it has begun,
// because the keeper itself could not live within them.
func limitProgram(s spec, pid int) error {
	p := s.Policy
	if s.Group {
		return nil
	}
	if p.Memory > 0 {
		if err := lowerLimitOf(pid, unix.RLIMIT_DATA, uint64(p.Memory)+memorySlack); err != nil {
			return fmt.Errorf("limit memory: %w", err)
		}
	}
	// Elsewhere than in a user namespace the kernel counts everything the user
	// runs on this machine, and counts nothing for root.
	if p.Processes > 0 && inUserNamespace() {
		if err := lowerLimitOf(pid, unix.RLIMIT_NPROC, uint64(p.Processes)+keeperThreads); err != nil {
			return fmt.Errorf("limit processes: %w", err)
		}
	}
	return nil
}

func lowerLimitOf(pid, resource int, value uint64) error {
	var now unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &now); err != nil {
		return err
	}
	value = min(value, now.Max)
	err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil)
	if errors.Is(err, unix.ESRCH) {
		return nil // it has ended
	}
	return err
}

// inUserNamespace reports whether the users of this process are mapped.
func inUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	var first, mapped, count uint32
	n, _ := fmt.Sscan(string(text), &first, &mapped, &count)
	return n == 3 && count != math.MaxUint32
}

// limitCPU keeps the program to as many processors as it may use the time of,
// and lets others go first. Shares of one cannot be set without control groups.
func limitCPU(p Policy) {
	if p.CPU <= 0 {
		return
	}
	var allowed unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil {
		return
	}
	var all []int
	for cpu := range len(allowed) * 64 {
		if allowed.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	var chosen unix.CPUSet
	for _, n := range rand.Perm(len(all))[:min(int(math.Ceil(p.CPU)), len(all))] { //nolint:gosec // to spread load
		chosen.Set(all[n])
	}
	_ = unix.SchedSetaffinity(0, &chosen)
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 5)
}

// kept are the capabilities that a program of a worker run as root keeps: those
// over files, and over what user it is. What reaches the kernel, the network or
// other programs is not among them.
const kept = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID |
	1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_NET_BIND_SERVICE

func dropCapabilities() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&head, &sets[0]); err != nil {
		return err
	}
	// The thread still has the right to shrink the bounding set, if it has any.
	for c := range unix.CAP_LAST_CAP + 1 {
		if uint64(kept)&(1<<c) == 0 {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		}
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	if inUserNamespace() && os.Geteuid() != 0 {
		sets = [2]unix.CapUserData{}
	}
	low, high := uint32(kept&math.MaxUint32), uint32(uint64(kept)>>32)
	for i, mask := range []uint32{low, high} {
		sets[i].Effective &= mask
		sets[i].Permitted &= mask
		sets[i].Inheritable = 0
	}
	return unix.Capset(&head, &sets[0])
}
