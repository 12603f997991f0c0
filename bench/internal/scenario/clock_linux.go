package scenario

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// clock sleeps to within some 60 µs, where [time.Sleep] can be a millisecond
// late. It has a thread of its own.
type clock struct{}

func newClock() clock {
	runtime.LockOSThread()
	return clock{}
}

// Close gives the thread back.
func (clock) Close() { runtime.UnlockOSThread() }

// SleepUntil returns at that time.
func (clock) SleepUntil(t time.Time) {
	for d := time.Until(t); d > 0; d = time.Until(t) {
		duration := unix.NsecToTimespec(d.Nanoseconds())
		// A signal ends the sleep early; the loop goes on.
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &duration, nil)
	}
}
