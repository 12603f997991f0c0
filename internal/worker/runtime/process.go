package runtime

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	goruntime "runtime"
	"syscall"
	"time"
)

// command says what to start.
type command struct {
	path string
	args []string
	dir  string
	env  []string
}

// process is a child that leads a process group of its own.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	stderr io.ReadCloser
	// readers is closed by the owner when it has read stdout and stderr to their end.
	readers chan struct{}
	// done is closed when the child has ended, its group was killed and it was
	// waited for. Then status tells how it ended.
	done   chan struct{}
	status error
}

// drainOutput is how long what a dead child wrote may take to be read. It only
// matters if something outside of its group holds its pipes open.
const drainOutput = time.Second

func startProcess(c command) (*process, error) {
	p := &process{
		cmd:     exec.Command(c.path, c.args...), //nolint:noctx // its life is ended by stop, group and all
		readers: make(chan struct{}),
		done:    make(chan struct{}),
	}
	p.cmd.Dir, p.cmd.Env = c.dir, c.env
	p.cmd.SysProcAttr = groupAttr()
	var errs [3]error
	p.stdin, errs[0] = p.cmd.StdinPipe()
	p.stdout, errs[1] = p.cmd.StdoutPipe()
	p.stderr, errs[2] = p.cmd.StderrPipe()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("pipes of %s: %w", c.path, err)
	}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.path, err)
	}
	return p, nil
}

// run starts the child and waits for it on one operating system thread. The
// kernel's signal for a dead parent is tied to the thread that made the child:
// were that thread to end, the child would be killed while the parent lives.
//
// The thread is given back afterwards. To end with it locked would end the
// thread, and with it any other child that it has made before.
func (p *process) run(started chan<- error) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	awaitExit(p.cmd.Process.Pid)
	// The group is killed before the leader's process id is given back, so that
	// the number cannot mean anybody else.
	p.signal(syscall.SIGKILL)
	select {
	case <-p.readers:
	case <-time.After(drainOutput):
	}
	p.status = p.cmd.Wait()
	close(p.done)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// signal reaches every process of the group.
func (p *process) signal(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }

// stop ends the group: politely by closing stdin, then with SIGTERM, then with
// SIGKILL, each after grace. It returns when the child is gone.
func (p *process) stop(grace time.Duration) {
	_ = p.stdin.Close()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-p.done:
			return
		case <-time.After(grace):
			p.signalAlive(s)
		}
	}
	<-p.done
}

// signalAlive is signal unless the child has been waited for.
func (p *process) signalAlive(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		p.signal(s)
	}
}

// exitReason says how a process ended, in words.
func exitReason(status error) string {
	var exit *exec.ExitError
	if status == nil {
		return "exited"
	}
	if !errors.As(status, &exit) {
		return "ended: " + status.Error()
	}
	ws, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return fmt.Sprintf("exited with code %d", exit.ExitCode())
	}
	switch s := ws.Signal(); s {
	case syscall.SIGKILL:
		return "was killed (signal KILL; the system does that when memory runs out)"
	case syscall.SIGSEGV:
		return "crashed (signal SEGV, segmentation fault)"
	case syscall.SIGABRT:
		return "aborted (signal ABRT)"
	default:
		return fmt.Sprintf("was ended by a signal (%s)", s)
	}
}

// eachLine calls f with each line of r, cut to limit bytes, until r ends.
func eachLine(r io.Reader, limit int, f func(line string)) {
	lines := bufio.NewReaderSize(r, max(limit, 16))
	for {
		line, err := lines.ReadSlice('\n')
		text := string(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n') // drop the rest of a long line
		}
		if text != "" {
			f(text)
		}
		if err != nil {
			return
		}
	}
}
