package redisd

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// watch starts a process that kills pid when this process ends, for systems
// whose kernel does not offer that. Its standard input is a pipe of which
// only this process has the other end; the system closes it at any kind of
// death. Release ends the watchdog; call it once pid has ended, or a later
// process of the same number would be killed.
func watch(pid int) (release func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	cmd := exec.Command("/bin/sh", "-c", `read _; kill -9 "$1"`, "sh", strconv.Itoa(pid)) //nolint:noctx // ended by release
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	_ = read.Close()
	if err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = write.Close()
	}, nil
}
