package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// cgroupControllers are those that a policy's limits need.
var cgroupControllers = []string{"memory", "cpu", "pids"}

// groups makes control groups (version 2) below the worker's own.
type groups struct {
	// own is the worker's group, and base the one that holds its programs'.
	own, base string
	// controllers are those in force in the programs' groups.
	controllers map[string]bool

	mu   sync.Mutex
	last int // guarded by mu; number of the last group
}

// newGroups finds the worker's control group and tries to make one below it.
func newGroups() (*groups, error) {
	own, err := ownGroup()
	if err != nil {
		return nil, err
	}
	return groupsBelow(own)
}

func groupsBelow(own string) (*groups, error) {
	sweepGroups(own)
	started, _ := startTime(os.Getpid())
	g := &groups{
		own: own, base: filepath.Join(own, fmt.Sprintf("%s%d-%d", groupPrefix, os.Getpid(), started)),
		controllers: map[string]bool{},
	}
	enableControllers(own)
	if err := os.Mkdir(g.base, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // as all of them are
		return nil, fmt.Errorf("no control group can be made below the worker's own: %w", err)
	}
	if _, err := os.Stat(filepath.Join(g.base, "cgroup.kill")); err != nil {
		return nil, errors.Join(errors.New("control groups have no cgroup.kill before Linux 5.14"), os.Remove(g.base))
	}
	enableControllers(g.base)
	enabled, _ := os.ReadFile(filepath.Join(g.base, "cgroup.subtree_control"))
	for name := range strings.FieldsSeq(string(enabled)) {
		g.controllers[name] = true
	}
	return g, os.Remove(g.base) // made again for the first program
}

// enableControllers lets the groups below dir have limits. The kernel wants no
// processes in a group that does so; they move to one below, if they are all ours.
func enableControllers(dir string) {
	for _, name := range cgroupControllers {
		enable := func() error { return writeGroup(dir, "cgroup.subtree_control", "+"+name) }
		if errors.Is(enable(), unix.EBUSY) && vacate(dir) == nil {
			_ = enable() // what is in force is read back
		}
	}
}

// workerGroup is the group below its own that a worker moves to.
const workerGroup = "worker"

// vacate moves this process, and what it has started, from a group to one below
// it. It leaves a group alone that others are in as well.
func vacate(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return err
	}
	members := strings.Fields(string(text))
	for _, member := range members {
		if pid, err := strconv.Atoi(member); err != nil || !descends(pid) {
			return fmt.Errorf("process %s is in the group too", member)
		}
	}
	leaf := filepath.Join(dir, workerGroup)
	if err := os.Mkdir(leaf, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // as all of them are
		return err
	}
	for _, member := range members {
		if err := writeGroup(leaf, "cgroup.procs", member); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

// descends reports whether a process is this one, or below it.
func descends(pid int) bool {
	for ; pid > 0; pid = parentOf(pid) {
		if pid == os.Getpid() {
			return true
		}
	}
	return false
}

// group is one program's control group. The nil group is none.
type group struct {
	groups *groups
	path   string
	dir    *os.File
	bounds bool
}

// newGroup makes a group with the policy's limits. Where the kernel allows no
// limits, and namespaces see to the end of processes, there is no need of one.
func (h *hostSupport) newGroup(p Policy) (*group, error) {
	if h.groups == nil || (h.namespaces && len(h.groups.controllers) == 0) {
		return nil, nil //nolint:nilnil // the nil group is none
	}
	return h.groups.add(p)
}

func (g *groups) add(p Policy) (*group, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// The base is there while programs are.
	if err := os.Mkdir(g.base, 0o755); err == nil { //nolint:gosec // as all of them are
		enableControllers(g.base)
	}
	g.last++
	made := &group{groups: g, path: filepath.Join(g.base, strconv.Itoa(g.last)), bounds: g.controllers["memory"]}
	if err := os.Mkdir(made.path, 0o755); err != nil { //nolint:gosec // as all of them are
		return nil, fmt.Errorf("control group: %w", err)
	}
	var err error
	if made.dir, err = os.Open(made.path); err == nil {
		err = made.bound(p, g.controllers)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control group: %w", err), made.removeLocked())
	}
	return made, nil
}

// bound writes the policy's limits.
func (g *group) bound(p Policy, controllers map[string]bool) error {
	const period = 100_000 // µs
	var errs []error
	if p.Memory > 0 && controllers["memory"] {
		_ = writeGroup(g.path, "memory.swap.max", "0")  // not there without swap
		_ = writeGroup(g.path, "memory.oom.group", "1") // all of the program, not a part of it
		errs = append(errs, writeGroup(g.path, "memory.max", strconv.FormatInt(p.Memory, 10)))
	}
	if p.CPU > 0 && controllers["cpu"] {
		errs = append(errs, writeGroup(g.path, "cpu.max", fmt.Sprintf("%d %d", max(1000, int64(p.CPU*period)), period)))
	}
	if p.Processes > 0 && controllers["pids"] {
		errs = append(errs, writeGroup(g.path, "pids.max", strconv.Itoa(p.Processes+keeperThreads)))
	}
	return errors.Join(errs...)
}

// limits reports whether the group bounds what a program uses.
func (g *group) limits() bool { return g != nil && g.bounds }

// kill ends all processes in the group at once.
func (g *group) kill() {
	if g != nil {
		_ = writeGroup(g.path, "cgroup.kill", "1") // gone already, if it fails
	}
}

// outOfMemory reports whether the kernel has ended a process of the group for
// reaching its memory.
func (g *group) outOfMemory() bool {
	if g == nil {
		return false
	}
	text, _ := os.ReadFile(filepath.Join(g.path, "memory.events"))
	for line := range strings.Lines(string(text)) {
		name, count, _ := strings.Cut(strings.TrimSpace(line), " ")
		if (name == "oom_kill" || name == "oom_group_kill") && count != "0" {
			return true
		}
	}
	return false
}

// remove takes the group away, and the base with the last of them.
func (g *group) remove() error {
	if g == nil {
		return nil
	}
	g.groups.mu.Lock()
	defer g.groups.mu.Unlock()
	return g.removeLocked()
}

func (g *group) removeLocked() error {
	if g.dir != nil {
		_ = g.dir.Close()
		g.dir = nil
	}
	err := removeGroup(g.path)
	_ = os.Remove(g.groups.base) // fails while others are in it
	return err
}

func writeGroup(dir, file, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
