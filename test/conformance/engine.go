package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Engine plays the steps of scenarios.
type Engine interface {
	// Name is "go" or "node".
	Name() string
	// Do runs one step of the scenario whose queues have the prefix. A refusal by
	// the engine is an [*Refusal]; any other error ends the scenario.
	Do(ctx context.Context, prefix string, now time.Time, step Step) (any, error)
	// End forgets a scenario.
	End(ctx context.Context, prefix string) error
}

// Refusal is an error that the engine gave as its answer to a step.
type Refusal struct {
	// Text names the condition in the engine-neutral way of [condition].
	Text string
}

func (r *Refusal) Error() string { return r.Text }

// Answer is what one step gave.
type Answer struct {
	Op     string `json:"op"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
}

// decodeArgs reads a step's arguments.
func decodeArgs[A any](step Step) (A, error) {
	var args A
	if err := json.Unmarshal(step.Args, &args); err != nil {
		return args, fmt.Errorf("step %s: %w", step.Op, err)
	}
	return args, nil
}
