package bullmq

import (
	"fmt"
	"time"
)

// ControlError is what a [Processor] returns to say that its job has not ended
// but goes somewhere else, without using up an attempt. [DelayJob], [ReleaseJob],
// [WaitForChildren] and [RateLimitJob] make one.
type ControlError struct {
	// Kind is [OutcomeDelayed], [OutcomeReleased] or [OutcomeWaitingChildren].
	Kind OutcomeKind
	// Delay is for how long the job is put off, if it is.
	Delay time.Duration
	// RateLimit is for how long the queue gives out nothing; 0 leaves it alone.
	RateLimit time.Duration
}

func (e *ControlError) Error() string {
	switch {
	case e.RateLimit > 0:
		return fmt.Sprintf("queue is rate limited for %s", e.RateLimit)
	case e.Kind == OutcomeDelayed:
		return fmt.Sprintf("job is delayed for %s", e.Delay)
	case e.Kind == OutcomeWaitingChildren:
		return "job waits for its children"
	default:
		return "job goes back to wait"
	}
}

// DelayJob makes an error which, returned by a [Processor], puts the running
// job back to delayed for d. It is what BullMQ does with
// moveToDelayed and a DelayedError.
func DelayJob(d time.Duration) error {
	return &ControlError{Kind: OutcomeDelayed, Delay: max(d, 0)}
}

// ReleaseJob makes an error which, returned by a [Processor], puts the running
// job back to the front of those that wait. It is what BullMQ does with
// moveToWait and a WaitingError.
func ReleaseJob() error { return &ControlError{Kind: OutcomeReleased} }

// WaitForChildren makes an error which, returned by a [Processor], lets the
// running job wait for the children it has added; it runs again when all of them
// have finished, at once if they have already. It is what BullMQ does with
// moveToWaitingChildren and a WaitingChildrenError.
func WaitForChildren() error { return &ControlError{Kind: OutcomeWaitingChildren} }

// RateLimitJob makes an error which, returned by a [Processor], puts the running
// job back to the front of those that wait and stops the queue's rate limited
// workers from taking any for d, as [Queue.RateLimit] does. It is what BullMQ
// does with rateLimit and a RateLimitError.
func RateLimitJob(d time.Duration) error {
	return &ControlError{Kind: OutcomeReleased, RateLimit: max(d, time.Millisecond)}
}
