package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// Cmd is a program to run once under a [Policy]. Its fields are set before
// [Cmd.Start] and mean what they mean in [exec.Cmd].
type Cmd struct {
	// Path is the program's absolute path.
	Path string
	// Args are its arguments, without the program's own name.
	Args []string
	// Dir is the directory it starts in, which it may read. Defaults to its
	// temporary directory.
	Dir string
	// Env is its whole environment. TMPDIR, and HOME if it is not among them, are
	// added to it and name its temporary directory.
	Env []string
	// Policy says what it may do.
	Policy Policy
	// TempRoot is where its temporary directory is made. Defaults to [os.TempDir].
	TempRoot string
	// Name is what the process that watches over it is called in listings.
	// Defaults to the base name of Path.
	Name string

	// Stdin, Stdout and Stderr are as in [exec.Cmd]; nil is the null device.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	host    *hostSupport // what is used of this machine; all it has, if nil
	keeper  *exec.Cmd
	group   *group
	temp    string
	status  *bufio.Reader
	statusR *os.File

	mu      sync.Mutex
	control *os.File    // guarded by mu; nil once it is closed
	force   *time.Timer // guarded by mu; ends a keeper that does not end; nil before it is told to
}

// killTime bounds how long a keeper goes after processes that keep making new
// ones. One that has not ended after twice as long is killed itself.
const killTime = 3 * time.Second

// drainTime bounds how long what an ended program wrote may take to be read.
const drainTime = time.Second

// startTimeout bounds how long the keeper may take until the program runs.
const startTimeout = 20 * time.Second

func (c *Cmd) name() string {
	if c.Name != "" {
		return c.Name
	}
	return filepath.Base(c.Path)
}

// Start starts the program. When it returns nil the program runs, and
// [Cmd.Wait] must be called. The error says in words what was refused.
func (c *Cmd) Start() error {
	if !filepath.IsAbs(c.Path) {
		return fmt.Errorf("start %s: the program's path must be absolute", c.Path)
	}
	if err := c.start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", c.name(), err), c.clean())
	}
	return nil
}

func (c *Cmd) start() (err error) {
	if c.temp, err = makeTemp(c.TempRoot); err != nil {
		return err
	}
	if c.host == nil {
		c.host = support()
	}
	if c.group, err = c.host.newGroup(c.Policy); err != nil {
		return err
	}
	controlR, controlW, err := os.Pipe()
	if err != nil {
		return err
	}
	statusR, statusW, err := os.Pipe()
	if err != nil {
		return errors.Join(err, controlR.Close(), controlW.Close())
	}
	c.control, c.statusR, c.status = controlW, statusR, bufio.NewReader(statusR)
	k := newKeeper(c.name(), controlR, statusW)
	k.Stdin, k.Stdout, k.Stderr = c.Stdin, c.Stdout, c.Stderr
	k.SysProcAttr = c.host.attributes(c.group)
	err = k.Start()
	_, _ = controlR.Close(), statusW.Close() // the keeper has its own
	if err != nil {
		return fmt.Errorf("the process that watches over it: %w", err)
	}
	c.keeper = k
	if err := c.handOver(c.spec()); err != nil {
		c.Kill()
		return errors.Join(err, ignoreExit(k.Wait()))
	}
	return nil
}

// newKeeper makes the command of a keeper, which is this program again.
func newKeeper(name string, control, status *os.File) *exec.Cmd {
	k := exec.Command(selfPath()) //nolint:noctx // it ends with its orders, and all it started with it
	k.Args = []string{keeperName, name}
	// Our own environment is of no use to it, and must not be seen in it.
	k.Env = []string{"GOMAXPROCS=1"}
	k.Dir = string(filepath.Separator)
	k.ExtraFiles = []*os.File{control, status}
	k.WaitDelay = drainTime
	return k
}

// handOver sends the keeper its orders and waits until the program runs.
func (c *Cmd) handOver(s spec) error {
	order, err := json.Marshal(s)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(startTimeout)
	_ = c.control.SetWriteDeadline(deadline) // both are pipes, which have deadlines
	_ = c.statusR.SetReadDeadline(deadline)
	if _, err := c.control.Write(append(order, '\n')); err != nil {
		return fmt.Errorf("hand over to the process that watches over it: %w", err)
	}
	report, err := readReport(c.status)
	if err != nil {
		return fmt.Errorf("the process that watches over it did not answer: %w", err)
	}
	_ = c.control.SetWriteDeadline(time.Time{})
	_ = c.statusR.SetReadDeadline(time.Time{})
	if report.Error != "" {
		return errors.New(report.Error)
	}
	return nil
}

// Pid is the id of the process that watches over the program. The program and
// all it starts are below it.
func (c *Cmd) Pid() int { return c.keeper.Process.Pid }

// TempDir is the program's temporary directory, which [Cmd.Wait] removes.
func (c *Cmd) TempDir() string { return c.temp }

// Terminate asks the program to end, with SIGTERM to its process group.
func (c *Cmd) Terminate() { c.order(orderTerminate) }

// Kill ends the program and all it started. It may be called at any time after
// [Cmd.Start], also after [Cmd.Wait].
func (c *Cmd) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.control == nil {
		return
	}
	// The keeper takes the end of its orders for the end of its owner.
	_ = c.control.Close()
	c.control = nil
	c.group.kill()
	if c.keeper != nil {
		c.force = time.AfterFunc(2*killTime, func() { _ = c.keeper.Process.Kill() })
	}
}

func (c *Cmd) order(o byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.control != nil {
		_, _ = c.control.Write([]byte{o}) // a keeper that is gone has nothing to do
	}
}

// Wait waits until the program and all it started have ended, and removes its
// temporary directory. It returns nil if the program exited with code 0, and
// an [*ExitError] if it ended otherwise.
func (c *Cmd) Wait() error {
	report, reportErr := readReport(c.status)
	err := ignoreExit(c.keeper.Wait())
	state := c.keeper.ProcessState
	exit := &ExitError{Code: report.Code, Signal: report.Signal, PeakMemory: report.PeakMemory, Policy: c.Policy}
	if reportErr != nil { // the keeper itself was killed
		exit.Code, exit.Signal = exitOf(state)
	}
	exit.OutOfMemory = c.group.outOfMemory() || exit.reachedMemory()
	if clean := c.clean(); err == nil {
		err = clean
	}
	switch {
	case report.Error != "":
		return errors.Join(errors.New(report.Error), err)
	case exit.Code != 0 || exit.Signal != 0:
		return exit
	default:
		return err
	}
}

// clean gives back what the program had, which has ended.
func (c *Cmd) clean() error {
	c.Kill() // there may be an order to come
	c.mu.Lock()
	if c.force != nil {
		c.force.Stop()
	}
	c.mu.Unlock()
	if c.statusR != nil {
		_ = c.statusR.Close()
	}
	err := c.group.remove()
	if c.temp != "" {
		err = errors.Join(err, RemoveAll(c.temp))
	}
	return err
}

// ignoreExit drops the error that only says how the keeper ended.
func ignoreExit(err error) error {
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil
	}
	return err
}
