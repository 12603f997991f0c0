package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// groupPrefix begins the names of the groups that hold a worker's programs:
// jobrunner-PID-START, where START tells it from others that had the same PID.
const groupPrefix = "jobrunner-"

var errNoGroups = errors.New("there are no control groups of version 2")

// ownGroup returns the directory of the control group (version 2) that this
// process is in.
func ownGroup() (string, error) {
	memberships, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", errNoGroups
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", errNoGroups
	}
	return groupDir(string(memberships), string(mounts))
}

// groupDir finds the group in the texts of /proc/self/cgroup and mountinfo.
func groupDir(memberships, mounts string) (string, error) {
	own, found := "", false
	for line := range strings.Lines(memberships) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			own, found = path, true
		}
	}
	if !found {
		return "", errNoGroups
	}
	for line := range strings.Lines(mounts) {
		// ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS [TAGS…] - TYPE …
		place, kind, ok := strings.Cut(line, " - ")
		fields := strings.Fields(place)
		if !ok || len(fields) < 5 || !strings.HasPrefix(kind, "cgroup2 ") {
			continue
		}
		root, mount := fields[3], fields[4]
		if below, err := filepath.Rel(root, own); err == nil && !strings.HasPrefix(below, "..") {
			return filepath.Join(mount, below), nil
		}
	}
	return "", errNoGroups
}

// sweepGroups ends what workers that are gone have left in their groups.
func sweepGroups(own string) {
	left, _ := filepath.Glob(filepath.Join(own, groupPrefix+"*-*"))
	for _, base := range left {
		pid, started, _ := strings.Cut(strings.TrimPrefix(filepath.Base(base), groupPrefix), "-")
		id, err := strconv.Atoi(pid)
		if err != nil || id <= 0 {
			continue
		}
		if now, err := startTime(id); err == nil && strconv.FormatUint(now, 10) == started {
			continue // it lives
		}
		_ = writeGroup(base, "cgroup.kill", "1")
		inside, _ := filepath.Glob(filepath.Join(base, "*", "cgroup.procs"))
		for _, file := range inside {
			_ = removeGroup(filepath.Dir(file))
		}
		_ = removeGroup(base)
	}
}

// removeTime bounds how long the last processes of a group may take to be gone.
const removeTime = 5 * time.Second

// removeGroup removes a group whose processes have been killed.
func removeGroup(dir string) error {
	for deadline, pause := time.Now().Add(removeTime), time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("control group is left: %w", err)
		}
		time.Sleep(pause)
	}
}

// startTime is when a process began, in the kernel's own unit.
func startTime(pid int) (uint64, error) {
	fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
