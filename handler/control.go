package handler

import (
	"encoding/json"
	"errors"
	"reflect"
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
	switch kind, pause, limit := controlOf(err); {
	case limit > 0:
		data.RateLimit = milliseconds(limit)
	case kind == bullmq.OutcomeDelayed:
		data.Delay = milliseconds(pause)
	case kind == bullmq.OutcomeWaitingChildren:
		data.WaitForChildren = true
	case kind == bullmq.OutcomeReleased:
		data.Release = true
	}
	text, _ := json.Marshal(data) // strings and numbers always encode
	return &linerpc.Error{Code: linerpc.CodeThrown, Message: err.Error(), Data: text}
}

func milliseconds(d time.Duration) *float64 {
	ms := float64(d) / float64(time.Millisecond)
	return &ms
}

// controlType is the type of the errors that say where a job goes.
var controlType = reflect.TypeOf(bullmq.ReleaseJob())

// controlOf takes such an error apart: all is zero if err is none. The engine
// keeps the parts to itself, for a worker in the same process needs them not.
func controlOf(err error) (kind bullmq.OutcomeKind, pause, limit time.Duration) {
	for ; err != nil; err = errors.Unwrap(err) {
		if reflect.TypeOf(err) != controlType {
			continue
		}
		v := reflect.ValueOf(err).Elem()
		return bullmq.OutcomeKind(v.FieldByName("kind").String()),
			time.Duration(v.FieldByName("delay").Int()), time.Duration(v.FieldByName("limited").Int())
	}
	return "", 0, 0
}
