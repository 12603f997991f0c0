//go:build !linux

package testenv

import "syscall"

// dieWithParent does nothing here: a server outlives a test process that is killed.
func dieWithParent(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
