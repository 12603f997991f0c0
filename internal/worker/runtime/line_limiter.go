package runtime

import (
	"sync"
	"time"
)

// linesPerSecond is how many lines of its own output a child may log.
const linesPerSecond = 200

// lineLimiter lets through a number of lines each second and counts the rest.
// The zero value is ready for use.
type lineLimiter struct {
	mu      sync.Mutex
	second  int64 // guarded by mu
	passed  int   // guarded by mu; in this second
	dropped int   // guarded by mu; not yet reported
}

// allow reports whether a line may pass, and once a second how many could not.
func (l *lineLimiter) allow(now time.Time) (ok bool, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second {
		dropped, l.dropped = l.dropped, 0
		l.second, l.passed = s, 0
	}
	if l.passed >= linesPerSecond {
		l.dropped++
		return false, 0
	}
	l.passed++
	return true, dropped
}
