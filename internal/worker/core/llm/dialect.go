package llm

import (
	"encoding/json"
	"io"
)

// question is one request to a model, whatever the endpoint's format.
type question struct {
	model       string
	messages    []Message
	temperature *float64
	maxTokens   int
	stop        []string
	seed        *int64
	schema      json.RawMessage // nil for a free answer
	strict      bool
}

// piece is what one event of an answer's stream brings.
type piece struct {
	text   string
	model  string
	finish string // why the answer ended; set once
	usage  *Usage
	done   bool // nothing follows
}

// dialect is the format that an endpoint speaks.
type dialect interface {
	// path is what follows the base address.
	path() string
	// body is the request, to be encoded as JSON.
	body(q question) any
	// events returns the stream's events one by one, each as JSON, and [io.EOF]
	// after the last.
	events(r io.Reader) func() ([]byte, error)
	// parse reads one event. An error that the endpoint reports in it is a [*ServerError].
	parse(event []byte) (piece, error)
}
