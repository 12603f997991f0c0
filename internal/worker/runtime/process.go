package runtime

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// command says what to start.
type command struct {
	path string
	args []string
	dir  string
	env  []string
	// temp is where the process's own temporary directory is made, the system's
	// if it is empty.
	temp   string
	policy sandbox.Policy
}

// process is a child with everything it starts.
type process struct {
	cmd    *sandbox.Cmd
	stdin  *os.File
	stdout *os.File
	stderr *os.File
	// readers is closed by the owner when it has read stdout and stderr to their end.
	readers chan struct{}
	// done is closed when the child has ended, and all it started with it. Then
	// status tells how it ended.
	done   chan struct{}
	status error
}

// drainOutput is how long what a dead child wrote may take to be read. It only
// matters if something outside of its process tree holds its pipes open.
const drainOutput = time.Second

func startProcess(c command) (*process, error) {
	p := &process{readers: make(chan struct{}), done: make(chan struct{})}
	var ends [3]*os.File // of the child
	var errs [3]error
	ends[0], p.stdin, errs[0] = os.Pipe()
	p.stdout, ends[1], errs[1] = os.Pipe()
	p.stderr, ends[2], errs[2] = os.Pipe()
	err := errors.Join(errs[:]...)
	if err == nil {
		p.cmd = &sandbox.Cmd{
			Path: c.path, Args: c.args, Dir: c.dir, Env: c.env, TempRoot: c.temp, Policy: c.policy,
			Stdin: ends[0], Stdout: ends[1], Stderr: ends[2],
		}
		err = p.cmd.Start()
	}
	closeAll(ends[:]...)
	if err != nil {
		closeAll(p.stdin, p.stdout, p.stderr)
		return nil, err
	}
	go p.wait()
	return p, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (p *process) wait() {
	p.status = p.cmd.Wait()
	select {
	case <-p.readers:
	case <-time.After(drainOutput):
	}
	closeAll(p.stdout, p.stderr)
	close(p.done)
}

// pid is the id, outside of the child's own namespace, of what watches over it.
func (p *process) pid() int { return p.cmd.Pid() }

// kill ends the child and all it started. It may be gone already.
func (p *process) kill() { p.cmd.Kill() }

// stop ends the child: politely by closing stdin, then with SIGTERM, then by
// killing it, each after grace. It returns when the child is gone.
func (p *process) stop(grace time.Duration) {
	_ = p.stdin.Close()
	for _, end := range []func(){p.cmd.Terminate, p.cmd.Kill} {
		select {
		case <-p.done:
			return
		case <-time.After(grace):
			end()
		}
	}
	<-p.done
}

// exitReason says how a process ended, in words.
func exitReason(status error) string {
	switch exit, ok := errors.AsType[*sandbox.ExitError](status); {
	case status == nil:
		return "exited"
	case ok:
		return exit.Error()
	default:
		return fmt.Sprintf("ended: %v", status)
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

// logSandbox says what keeps handlers in bounds on this machine.
func logSandbox(log *slog.Logger) {
	support := sandbox.Check()
	log.Info("handlers run in a sandbox", slog.Any("by", support))
	if !support.Confined {
		log.Warn("handlers are not kept from files that they were not granted", slog.String("files", support.Files))
	}
}
