package runtime

import (
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// Host runs the handlers of one version of a module. It is safe for concurrent use.
type Host interface {
	// Run runs one attempt of ctx.Job() with the module's handler of that name,
	// and returns its result as JSON.
	//
	// When ctx ends the handler is told to stop; if it does not within the grace,
	// it is ended and the error is an [*UnstoppableError]. If its process ends by
	// itself, the error is a [*CrashError].
	Run(ctx handler.Context, name string) (json.RawMessage, error)
	// Close ends what still runs and waits for it. The caller sees to it that no
	// job runs any more.
	Close()
}

// Limits bound what a child may do; the zero value is fine.
type Limits struct {
	// ResultBytes is the size of one job's result as JSON. Defaults to 5 MiB.
	ResultBytes int
	// OutputBytes is how much a plain executable may write to stdout and stderr in
	// one attempt. Defaults to 64 MiB.
	OutputBytes int64
	// BuildTimeout is how long a module may take to build. Defaults to 5 minutes.
	BuildTimeout time.Duration
	// StartTimeout is how long a module may take to load. Defaults to 30 s.
	StartTimeout time.Duration
	// IdleTimeout is how long a process without jobs stays. Defaults to 5 minutes.
	IdleTimeout time.Duration
	// CancelGrace is how long a handler may take to stop when it is told to.
	// Defaults to 5 s.
	CancelGrace time.Duration
	// DrainTimeout is how long the other jobs of a process may go on when one of
	// them would not stop. Defaults to 30 s.
	DrainTimeout time.Duration
	// StopGrace is how long a process without jobs may take to end after the end
	// of its stdin, and again after SIGTERM. Defaults to 2 s.
	StopGrace time.Duration
	// MaxBackoff bounds the pause before a crashed process is started again,
	// which doubles from 100 ms with every crash in a row. Defaults to 10 s.
	MaxBackoff time.Duration
}

func (l Limits) withDefaults() Limits {
	l.ResultBytes = cmp.Or(l.ResultBytes, 5<<20)
	l.OutputBytes = cmp.Or(l.OutputBytes, 64<<20)
	l.BuildTimeout = cmp.Or(l.BuildTimeout, 5*time.Minute)
	l.StartTimeout = cmp.Or(l.StartTimeout, 30*time.Second)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 5*time.Minute)
	l.CancelGrace = cmp.Or(l.CancelGrace, 5*time.Second)
	l.DrainTimeout = cmp.Or(l.DrainTimeout, 30*time.Second)
	l.StopGrace = cmp.Or(l.StopGrace, 2*time.Second)
	l.MaxBackoff = cmp.Or(l.MaxBackoff, 10*time.Second)
	return l
}

// maxLine bounds a protocol line: a result or a state with what surrounds it, or
// jobs to add, a log line or a stack trace of some size.
func (l Limits) maxLine() int { return max(l.ResultBytes, handler.MaxStateBytes) + 1<<20 }

// errClosed says that the version was asked to run a job after it was closed.
var errClosed = errors.New("the handler's version is closed")
