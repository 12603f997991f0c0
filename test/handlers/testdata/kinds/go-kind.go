// Command go-kind does what its job says, as its namesakes in other languages do.
package main

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// name is also set by the linker, so that one source makes two handlers.
var name = "go-kind"

type data struct {
	Do    string          `json:"do"`
	Value json.RawMessage `json:"value,omitempty"`
}

func run(ctx handler.Context, in data) (any, error) {
	ctx.Logf("attempt %d", ctx.Job().Attempt)
	switch in.Do {
	case "answer":
		ctx.Progress(50)
		return map[string]any{"answer": in.Value}, nil
	case "fail":
		return nil, errors.New("failed on purpose")
	case "give-up":
		return nil, bullmq.Unrecoverable(errors.New("gave up on purpose"))
	case "remember":
		state, err := ctx.State()
		if err != nil || state != nil {
			return map[string]any{"remembered": state}, err
		}
		if err := ctx.SaveState(map[string]any{"value": in.Value}); err != nil {
			return nil, err
		}
		return nil, errors.New("once more, please")
	default:
		return gather(ctx)
	}
}

func gather(ctx handler.Context) (any, error) {
	values, err := ctx.ChildrenValues()
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		list := make([]json.RawMessage, 0, len(values))
		for _, value := range values {
			list = append(list, value)
		}
		return map[string]any{"gathered": slices.Clip(list)}, nil
	}
	if _, err := ctx.AddChildren(handler.NewJob{Name: "echo", Data: map[string]any{"from": name}}); err != nil {
		return nil, err
	}
	return nil, bullmq.WaitForChildren()
}

func main() { handler.Main(handler.Must(handler.New(name, run, nil))) }
