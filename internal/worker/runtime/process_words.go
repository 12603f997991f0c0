package runtime

import (
	"cmp"
	"errors"
	"strings"
	"sync"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// lastWords keeps what a process said last on stderr, which tells best why it
// ended. Its zero value is ready.
type lastWords struct {
	mu    sync.Mutex
	last  string // guarded by mu
	fatal string // guarded by mu; what an interpreter gives up with, above pages of detail
}

func (w *lastWords) hear(line string) {
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "Node.js v") { // what node prints below each crash
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = line
	if strings.HasPrefix(line, "FATAL ERROR: ") || strings.HasPrefix(line, "Fatal Python error: ") {
		w.fatal = line
	}
}

// crash says why a process has ended that was not told to.
func (w *lastWords) crash(status error) *CrashError {
	w.mu.Lock()
	defer w.mu.Unlock()
	if exit, ok := errors.AsType[*sandbox.ExitError](status); ok {
		known := *exit
		known.OutOfMemory = exit.OutOfMemory || strings.Contains(w.fatal, "out of memory")
		if known.OutOfMemory {
			return &CrashError{Reason: known.Error()}
		}
	}
	return &CrashError{Reason: exitReason(status), LastOutput: cmp.Or(w.fatal, w.last)}
}

// ended says it of one that was, for a reason.
func (w *lastWords) ended(reason string) *CrashError {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &CrashError{Reason: reason, LastOutput: w.last}
}
