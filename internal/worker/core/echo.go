package core

import (
	"encoding/json"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// echoHandler returns the job's data as its result.
func echoHandler() (*handler.Definition, error) {
	return handler.New("echo", func(_ handler.Context, in json.RawMessage) (json.RawMessage, error) {
		if len(in) == 0 {
			in = json.RawMessage("null")
		}
		return in, nil
	}, describe("Returns the job's data as its result"))
}
