package redisd

import (
	"os/exec"
	"syscall"
)

// startGuarded starts a child that the kernel kills when the calling thread
// ends, so the caller must be locked to its thread for the child's life. The
// kill is a hard one for its certainty: what Redis acknowledged is in the
// system's file cache by then.
func startGuarded(cmd *exec.Cmd) (release func(), err error) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return func() {}, cmd.Start()
}
