package scenario

import (
	"context"
	"time"
)

// HoldKey selects the measuring of how long calls hold Redis.
const HoldKey = "hold"

// Hold says for each operation how long its longest call held Redis.
type Hold struct {
	Jobs       int
	Operations []Operation
}

// Operation is one operation on a large queue.
type Operation struct {
	Name    string
	Longest time.Duration
	Command string
	// Over counts the calls that took more than HoldLimit.
	Over    int
	Elapsed time.Duration
}

// HoldLimit is the longest that a call may hold Redis.
const HoldLimit = 5 * time.Millisecond

func MeasureHold(ctx context.Context, jobs int) (*Hold, error) { return nil, nil }
