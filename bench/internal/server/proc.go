package server

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc on Linux.
const clockTick = 10 * time.Millisecond

// ProcessCPU returns the CPU time that a process has used; 0 where there is no /proc.
func ProcessCPU(pid int) time.Duration {
	s, _ := readStat(pid)
	return s.own
}

// TreeCPU returns the CPU time of a process and all below it, those that have
// ended and were waited for included.
func TreeCPU(pid int) time.Duration {
	total := time.Duration(0)
	for _, pid := range append(Descendants(pid), pid) {
		s, _ := readStat(pid)
		total += s.own + s.ended
	}
	return total
}

// Descendants returns the processes below a process, at any depth.
func Descendants(pid int) []int {
	children := map[int][]int{}
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		child, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if s, ok := readStat(child); ok {
			children[s.parent] = append(children[s.parent], child)
		}
	}
	var found []int
	for level := children[pid]; len(level) > 0; {
		found = append(found, level...)
		var next []int
		for _, child := range level {
			next = append(next, children[child]...)
		}
		level = next
	}
	return found
}

type procStat struct {
	parent int
	own    time.Duration
	ended  time.Duration // of children that have ended
}

func readStat(pid int) (procStat, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procStat{}, false
	}
	// The name before the last parenthesis may hold anything.
	_, rest, ok := cutLast(string(text), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return procStat{}, false
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(fields[i])
		return n
	}
	return procStat{
		parent: number(1),
		own:    time.Duration(number(11)+number(12)) * clockTick,
		ended:  time.Duration(number(13)+number(14)) * clockTick,
	}, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// PeakMemory returns the most bytes of memory that a process has held at once;
// 0 where there is no /proc.
func PeakMemory(pid int) int64 { return statusBytes(pid, "VmHWM") }

// Memory returns the bytes of memory that a process holds; 0 where there is no /proc.
func Memory(pid int) int64 { return statusBytes(pid, "VmRSS") }

func statusBytes(pid int, name string) int64 {
	kilobytes, _, _ := strings.Cut(FirstValue(fmt.Sprintf("/proc/%d/status", pid), name), " ")
	n, err := strconv.ParseInt(kilobytes, 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// FirstValue finds "name : value" in one of the tables of /proc.
func FirstValue(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
