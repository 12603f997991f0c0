package testenv

import "syscall"

// dieWithParent makes a child process get the signal when its parent ends,
// however that happens.
func dieWithParent(signal syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: signal}
}
