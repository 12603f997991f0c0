package sandbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// hostSupport is what a machine allows us to use.
type hostSupport struct {
	// namespaces says that keepers can be given a process id namespace, and
	// userNamespace that it takes a user namespace to do so.
	namespaces, userNamespace bool
	// groups is nil where no control group can be made.
	groups *groups
	// noNamespaces and noGroups say why not.
	noNamespaces, noGroups error
	landlock               int
}

func findSupport() *hostSupport {
	h := &hostSupport{landlock: landlockVersion()}
	h.groups, h.noGroups = newGroups()
	for _, user := range []bool{false, true} {
		h.namespaces, h.userNamespace = true, user
		if h.noNamespaces = h.try(); h.noNamespaces == nil {
			return h
		}
	}
	h.namespaces, h.userNamespace = false, false
	return h
}

// try starts a keeper that runs nothing.
func (h *hostSupport) try() error {
	order, err := json.Marshal(spec{Namespaces: h.namespaces})
	if err != nil {
		return err
	}
	statusR, statusW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = statusR.Close() }()
	controlR, controlW, err := os.Pipe()
	if err != nil {
		_ = statusW.Close()
		return err
	}
	k := newKeeper("trial", controlR, statusW)
	k.SysProcAttr = h.attributes(nil)
	_, _ = controlW.Write(append(order, '\n')) // it fits the pipe
	err = k.Start()
	_, _, _ = controlR.Close(), controlW.Close(), statusW.Close()
	if err != nil {
		return err
	}
	_ = statusR.SetReadDeadline(time.Now().Add(startTimeout))
	answer, readErr := readReport(bufio.NewReader(statusR))
	if err := k.Wait(); err != nil {
		return fmt.Errorf("%w %s", err, answer.Error)
	}
	return readErr
}

// attributes are how a keeper is started. It leads a session of its own, so that
// keys pressed at the worker's terminal do not reach it.
func (h *hostSupport) attributes(g *group) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if h.namespaces {
		attr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC
	}
	if h.userNamespace {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	if g != nil {
		attr.UseCgroupFD, attr.CgroupFD = true, int(g.dir.Fd())
	}
	return attr
}

func (h *hostSupport) describe() Support {
	s := Support{
		Memory: "RLIMIT_DATA, for each process", CPU: "a share of the processors, and lower priority",
		Processes: "nothing: " + reason(h.noGroups), Files: "nothing: the kernel has no Landlock",
		Network: "seccomp", Tree: "the keeper, which takes in orphans", Confined: h.landlock > 0,
	}
	if h.userNamespace && os.Getuid() != 0 {
		s.Processes = "RLIMIT_NPROC in a user namespace"
	}
	if h.landlock > 0 {
		s.Files = fmt.Sprintf("Landlock, version %d", h.landlock)
		if h.landlock >= 4 {
			s.Network += " and Landlock"
		}
	}
	if h.namespaces {
		s.Tree = "a process id namespace"
		if h.userNamespace {
			s.Tree += " in a user namespace"
		}
	}
	if h.groups == nil {
		return s
	}
	s.Tree += ", and cgroup.kill"
	for _, c := range []struct {
		name  string
		field *string
	}{{"memory", &s.Memory}, {"cpu", &s.CPU}, {"pids", &s.Processes}} {
		if h.groups.controllers[c.name] {
			*c.field = "cgroup v2"
		}
	}
	return s
}

// reason words an error for a person who looks through a list.
func reason(err error) string {
	if err == nil {
		return "the control groups here have no controllers"
	}
	return strings.TrimSpace(err.Error())
}
