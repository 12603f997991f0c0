package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// Start is the moment at which every scenario begins.
var Start = time.UnixMilli(1_700_000_000_000)

// DefaultQueue is the queue of a step that names none.
const DefaultQueue = "q"

// Scenario is a list of operations that is played on one engine.
type Scenario struct {
	// Name says what is special about it.
	Name  string `json:"name"`
	Steps []Step `json:"steps"`
}

// Step is one operation of a scenario. Its arguments depend on the operation and
// stand beside these members in the same JSON object.
type Step struct {
	// Op is the operation's name.
	Op string
	// Queue is the name of the queue that it works on. Defaults to [DefaultQueue].
	Queue string
	// At is when it runs, in milliseconds since [Start]. Nil leaves the clock as it is.
	At *int64
	// Engine is who runs it where engines take turns. Empty leaves that open.
	Engine string
	// Args is the whole object, with "{prefix}" where a qualified name has the
	// queues' key prefix.
	Args json.RawMessage
}

type stepHead struct {
	Op     string `json:"op"`
	Queue  string `json:"queue,omitempty"`
	At     *int64 `json:"at,omitempty"`
	Engine string `json:"engine,omitempty"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Step) UnmarshalJSON(text []byte) error {
	var head stepHead
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	if head.Op == "" {
		return errors.New("a step needs an op")
	}
	if head.Queue == "" {
		head.Queue = DefaultQueue
	}
	*s = Step{Op: head.Op, Queue: head.Queue, At: head.At, Engine: head.Engine, Args: bytes.Clone(text)}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (s Step) MarshalJSON() ([]byte, error) { return s.Args, nil }

// Load reads a file that holds one scenario, or a list of them under
// "scenarios", in which a table may stand for many. Choices that several tables
// vary by stand under "shared".
func Load(path string) ([]Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	scenarios, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return scenarios, nil
}

// Parse is [Load] for a file's text.
func Parse(text []byte) ([]Scenario, error) {
	var file struct {
		Shared    map[string]map[string]any `json:"shared"`
		Scenarios []json.RawMessage         `json:"scenarios"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	if file.Scenarios == nil {
		return expand(text, nil)
	}
	var scenarios []Scenario
	for i, one := range file.Scenarios {
		expanded, err := expand(one, file.Shared)
		if err != nil {
			return nil, fmt.Errorf("scenario %d: %w", i, err)
		}
		scenarios = append(scenarios, expanded...)
	}
	return scenarios, nil
}
