//go:build !linux

package scenario

import "time"

// clock sleeps as well as the runtime can.
type clock struct{}

func newClock() clock { return clock{} }

// Close does nothing.
func (clock) Close() {}

// SleepUntil returns at that time.
func (clock) SleepUntil(t time.Time) { time.Sleep(time.Until(t)) }
