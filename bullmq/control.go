package bullmq

import (
	"fmt"
	"time"
)

// controlError is what a [Processor] returns to say that its job has not ended
// but goes somewhere else. None of these uses up an attempt.
type controlError struct {
	kind    OutcomeKind
	delay   time.Duration
	limited time.Duration
}

func (e *controlError) Error() string {
	switch {
	case e.limited > 0:
		return fmt.Sprintf("queue is rate limited for %s", e.limited)
	case e.kind == OutcomeDelayed:
		return fmt.Sprintf("job is delayed for %s", e.delay)
	case e.kind == OutcomeWaitingChildren:
		return "job waits for its children"
	default:
		return "job goes back to wait"
	}
}

// DelayJob makes an error which, returned by a [Processor], puts the running
// job back to delayed for d. It is what BullMQ does with
// moveToDelayed and a DelayedError.
func DelayJob(d time.Duration) error {
	return &controlError{kind: OutcomeDelayed, delay: max(d, 0)}
}

// ReleaseJob makes an error which, returned by a [Processor], puts the running
// job back to the front of those that wait. It is what BullMQ does with
// moveToWait and a WaitingError.
func ReleaseJob() error { return &controlError{kind: OutcomeReleased} }

// WaitForChildren makes an error which, returned by a [Processor], lets the
// running job wait for the children it has added; it runs again when all of them
// have finished, at once if they have already. It is what BullMQ does with
// moveToWaitingChildren and a WaitingChildrenError.
func WaitForChildren() error { return &controlError{kind: OutcomeWaitingChildren} }

// RateLimitJob makes an error which, returned by a [Processor], puts the running
// job back to the front of those that wait and stops the queue's rate limited
// workers from taking any for d, as [Queue.RateLimit] does. It is what BullMQ
// does with rateLimit and a RateLimitError.
func RateLimitJob(d time.Duration) error {
	return &controlError{kind: OutcomeReleased, limited: max(d, time.Millisecond)}
}
