// Package sandbox runs programs that are not ours within limits: memory,
// processor time, open files, and the parts of the file system and the network
// that they were granted. Whatever a program starts ends with it, and with us.
//
// A [Policy] says what a program may do, and a [Cmd] is one run of it, much like
// an [os/exec.Cmd]:
//
//	c := &sandbox.Cmd{Path: "/usr/bin/python3", Args: []string{"script.py"}, Dir: dir, Policy: policy}
//	if err := c.Start(); err != nil {
//		return err // in words: what was refused, or missing
//	}
//	defer c.Kill()
//	return c.Wait() // an *ExitError says how it ended
//
// # The keeper
//
// The program is started by a keeper, which is the running binary once more: an
// init function of this package takes over a process that was started under the
// keeper's name, so any binary that imports the package can be one, tests
// included. The keeper reads from a pipe what to run, takes away from the thread
// that starts the program what the policy does not grant, waits for the program,
// and kills what that leaves. The end of the pipe is the end of its owner, and
// the program's.
//
//	owner ──spec, orders──► keeper ──fork, exec──► program ──► whatever it starts
//	      ◄────reports─────        ◄──orphans──────────────────────┘
//
// Which of the kernel's means are used depends on the machine; [Check] tells.
// All of them have something to fall back to but the permissions, which need
// Landlock and seccomp.
package sandbox
