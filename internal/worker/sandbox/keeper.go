//go:build unix

package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A program started as a keeper becomes one here, before the rest of it is set
// up: that would take longer than all a keeper does, and is of no use to it.
func init() {
	if len(os.Args) > 0 && os.Args[0] == keeperName {
		os.Exit(keep())
	}
}

// keeper starts one program, waits for it, and sees to it that whatever the
// program has started ends with it, with its owner, or when it is told to.
type keeper struct {
	spec   spec
	status *os.File

	mu      sync.Mutex
	program int // guarded by mu; its process id, 0 before it runs and after it was waited for
}

// keeperFailed is the exit code of a keeper that could not do its work.
const keeperFailed = 125

func keep() int {
	syscall.CloseOnExec(controlFD)
	syscall.CloseOnExec(statusFD)
	control := bufio.NewReader(os.NewFile(controlFD, "control"))
	k := &keeper{status: os.NewFile(statusFD, "status")}
	line, err := control.ReadBytes('\n')
	if err != nil {
		return keeperFailed // nobody is there to be told
	}
	if err := json.Unmarshal(line, &k.spec); err != nil {
		return k.fail(fmt.Errorf("read the orders: %w", err))
	}
	if err := prepare(&k.spec); err != nil {
		return k.fail(err)
	}
	if k.spec.Path == "" { // it was only to be seen whether a keeper can be
		k.tell(report{})
		return 0
	}
	started := make(chan error)
	ended := make(chan report)
	go k.run(started, ended)
	if err := <-started; err != nil {
		return k.fail(err)
	}
	releaseStreams()
	k.tell(report{})
	go k.obey(control)
	go k.heed()
	k.tell(<-ended)
	return 0
}

// run starts the program and waits for it, on a thread of its own: what is
// forbidden to the thread is inherited by the program, and by no other thread
// of the keeper, which must stay able to end what it watches over.
func (k *keeper) run(started chan<- error, ended chan<- report) {
	runtime.LockOSThread()
	if err := confine(k.spec); err != nil {
		started <- err
		return
	}
	pid, err := start(k.spec)
	if err != nil {
		started <- execError(k.spec, err)
		return
	}
	preferForOOM(pid)
	if err := limitProgram(k.spec, pid); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		started <- err
		return
	}
	k.mu.Lock()
	k.program = pid
	k.mu.Unlock()
	started <- nil
	last := k.wait(pid)
	k.killRest(pid)
	ended <- last
}

// busyTime bounds how long a program may still be written to when it is to start.
const busyTime = 2 * time.Second

// start starts the program. One that was written a moment ago may be busy: our
// owner's other children have its file open between their fork and their exec.
func start(s spec) (pid int, err error) {
	for deadline := time.Now().Add(busyTime); ; time.Sleep(5 * time.Millisecond) {
		pid, err = syscall.ForkExec(s.Path, s.Args, &syscall.ProcAttr{
			Dir: s.Dir, Env: s.Env, Files: []uintptr{0, 1, 2}, Sys: programAttributes(),
		})
		if !errors.Is(err, syscall.ETXTBSY) || time.Now().After(deadline) {
			return pid, err
		}
	}
}

// wait waits for the program, and for whatever orphans end before it.
func (k *keeper) wait(program int) report {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return report{Error: fmt.Sprintf("wait for the program: %v", err)}
		case pid == program:
			k.mu.Lock()
			k.program = 0
			k.mu.Unlock()
			last := report{PeakMemory: usage.Maxrss * maxrssUnit}
			if status.Signaled() {
				last.Signal = int(status.Signal())
			} else {
				last.Code = status.ExitStatus()
			}
			return last
		}
	}
}

// obey carries out the owner's orders. When they end, so does everything.
func (k *keeper) obey(control *bufio.Reader) {
	for {
		order, err := control.ReadByte()
		if err != nil {
			k.kill()
			return
		}
		if order == orderTerminate {
			k.signal(syscall.SIGTERM)
		}
	}
}

// signal reaches the program's process group.
func (k *keeper) signal(s syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.program != 0 {
		_ = syscall.Kill(-k.program, s)
	}
}

// kill ends the program; what it has started is ended after it.
func (k *keeper) kill() {
	k.signal(syscall.SIGKILL)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.program != 0 {
		_ = syscall.Kill(k.program, syscall.SIGKILL) // it may have moved to another group
	}
}

// killRest ends what the program has left. In a process id namespace the kernel
// does it when the keeper ends, more surely than anybody could.
func (k *keeper) killRest(program int) {
	if k.spec.Namespaces {
		return
	}
	_ = syscall.Kill(-program, syscall.SIGKILL) // what is left of its process group
	for deadline := time.Now().Add(killTime); !childless() && time.Now().Before(deadline); {
		killDescendants()
		time.Sleep(time.Millisecond)
	}
}

// childless waits for children that have ended, and reports whether there were
// no others.
func childless() bool {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR), pid > 0:
		default:
			return errors.Is(err, syscall.ECHILD)
		}
	}
}

// fail reports why the program does not run.
func (k *keeper) fail(err error) int {
	k.tell(report{Error: err.Error()})
	return keeperFailed
}

// tell reports to the owner. One that is gone needs no reports.
func (k *keeper) tell(r report) {
	line, err := json.Marshal(r)
	if err == nil {
		_, _ = k.status.Write(append(line, '\n'))
	}
}

// releaseStreams lets go of the program's streams, so that whoever is at their
// other ends sees them close when the program closes them.
func releaseStreams() {
	null, err := syscall.Open(os.DevNull, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	for fd := range 3 {
		_ = dup(null, fd)
	}
}

// execError says what was wrong with a program that does not start.
func execError(s spec, err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT):
		if _, statErr := os.Stat(s.Dir); statErr != nil {
			return fmt.Errorf("its directory is missing: %w", statErr)
		}
		if _, statErr := os.Stat(s.Path); statErr == nil {
			return fmt.Errorf("%s is there, but the interpreter that it names in its first line is not", s.Path)
		}
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may not be run: it needs an execute permission (chmod +x), and so does its interpreter", s.Path)
	case errors.Is(err, syscall.ETXTBSY):
		return fmt.Errorf("%s is being written to; wait until it is complete", s.Path)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s is no program for this machine, and has no first line such as #!/bin/sh that names its interpreter", s.Path)
	}
	return fmt.Errorf("run %s: %w", s.Path, err)
}
