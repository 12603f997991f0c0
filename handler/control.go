package handler

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// thrown is what a worker is told with a handler's error.
type thrown struct {
	Name          string `json:"name"`
	Stack         string `json:"stack,omitempty"`
	Unrecoverable bool   `json:"unrecoverable,omitempty"`
	// Where the job goes in place of failing; times are in milliseconds.
	Delay           *float64 `json:"delay,omitempty"`
	WaitForChildren bool     `json:"waitForChildren,omitempty"`
	Release         bool     `json:"release,omitempty"`
	RateLimit       *float64 `json:"rateLimit,omitempty"`
}

// toWire writes an error as workers read it.
func toWire(err error) *linerpc.Error {
	data := thrown{Name: "Error", Unrecoverable: bullmq.IsUnrecoverable(err)}
	if named, ok := errors.AsType[*bullmq.NamedError](err); ok {
		data.Name, data.Stack = named.Name, named.Stack
	}
	if control, ok := errors.AsType[*bullmq.ControlError](err); ok {
		switch {
		case control.RateLimit > 0:
			data.RateLimit = milliseconds(control.RateLimit)
		case control.Kind == bullmq.OutcomeDelayed:
			data.Delay = milliseconds(control.Delay)
		case control.Kind == bullmq.OutcomeWaitingChildren:
			data.WaitForChildren = true
		default:
			data.Release = true
		}
	}
	text, _ := json.Marshal(data) // strings and numbers always encode
	return &linerpc.Error{Code: linerpc.CodeThrown, Message: err.Error(), Data: text}
}

func milliseconds(d time.Duration) *float64 {
	ms := float64(d) / float64(time.Millisecond)
	return &ms
}
