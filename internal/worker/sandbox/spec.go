package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// keeperName is the name under which the binary finds itself started as a keeper.
const keeperName = "jobrunner-keeper"

// Descriptors of a keeper, besides the program's three.
const (
	// controlFD carries the spec as one line, then orders of one byte each. Its
	// end is the end of the owner, and the order to kill.
	controlFD = 3
	// statusFD takes one report when the program runs, and one when it has ended.
	statusFD = 4
)

// Orders of an owner to a keeper.
const orderTerminate byte = 'T'

// spec is what a keeper is to run. It goes through a pipe and not through
// arguments or the environment, which others can read.
type spec struct {
	// Path is empty in a trial of what this machine allows.
	Path   string   `json:"path"`
	Args   []string `json:"args"`
	Dir    string   `json:"dir"`
	Env    []string `json:"env"`
	Policy Policy   `json:"policy"`
	// Namespaces says that the keeper is the first process of a process id
	// namespace, and has a mount namespace of its own.
	Namespaces bool `json:"namespaces"`
	// Group says that a control group bounds memory, processes and time.
	Group bool `json:"group"`

	// ownSharedMemory is set by the keeper if /dev/shm is the program's own.
	ownSharedMemory bool
}

// report is what a keeper tells its owner.
type report struct {
	Error  string `json:"error,omitempty"`
	Code   int    `json:"code,omitempty"`
	Signal int    `json:"signal,omitempty"`
	// PeakMemory is the largest resident size of the program, in bytes.
	PeakMemory int64 `json:"peakMemory,omitempty"`
}

// spec makes the keeper's orders of the command.
func (c *Cmd) spec() spec {
	s := spec{
		Path: c.Path, Args: append([]string{c.Path}, c.Args...), Dir: c.Dir,
		Env:        environment(c.Env, c.temp),
		Policy:     c.Policy.WithWrite(c.temp),
		Namespaces: c.host.namespaces, Group: c.group.limits(),
	}
	if s.Dir == "" {
		s.Dir = c.temp
	} else {
		s.Policy = s.Policy.WithRead(c.Dir)
	}
	s.Policy = s.Policy.WithRead(c.Path)
	return s
}

// environment adds the temporary directory to a program's environment.
func environment(env []string, temp string) []string {
	made, home := []string{"TMPDIR=" + temp}, false
	for _, v := range env {
		home = home || strings.HasPrefix(v, "HOME=")
		if !strings.HasPrefix(v, "TMPDIR=") {
			made = append(made, v)
		}
	}
	if !home {
		made = append(made, "HOME="+temp)
	}
	return made
}

func readReport(r *bufio.Reader) (report, error) {
	var got report
	line, err := r.ReadBytes('\n')
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &got); err != nil {
		return got, fmt.Errorf("read a keeper's report: %w", err)
	}
	return got, nil
}
