package llm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxEvent bounds one event of a stream, in bytes.
const maxEvent = 1 << 20

// lines reads a stream line by line, each of bounded length.
type lines struct{ scanner *bufio.Scanner }

func newLines(r io.Reader) *lines {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), maxEvent)
	return &lines{s}
}

// next returns a line without its end, valid until the next one, or [io.EOF].
func (l *lines) next() ([]byte, error) {
	if l.scanner.Scan() {
		return bytes.TrimSpace(l.scanner.Bytes()), nil
	}
	if errors.Is(l.scanner.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("the endpoint sent an event of more than %d bytes", maxEvent)
	}
	if err := l.scanner.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// serverSentEvent returns the data of the next event. Comments, which servers
// send to keep a connection alive, and other fields are passed over.
func serverSentEvent(l *lines) ([]byte, error) {
	var data []byte
	for {
		line, err := l.next()
		switch {
		case errors.Is(err, io.EOF) && len(data) > 0:
			return data, nil // some servers leave out the last empty line
		case err != nil:
			return nil, err
		case len(line) == 0 && len(data) > 0:
			return data, nil
		}
		value, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue
		}
		if len(data) > 0 {
			data = append(data, '\n')
		}
		data = append(data, bytes.TrimSpace(value)...)
		if len(data) > maxEvent {
			return nil, fmt.Errorf("the endpoint sent an event of more than %d bytes", maxEvent)
		}
	}
}

// ServerError is what an endpoint says went wrong.
type ServerError struct {
	// Status is the response's; 0 if it came within an answer.
	Status  int
	Message string
}

func (e *ServerError) Error() string {
	if e.Status == 0 {
		return "the endpoint broke the answer off: " + e.Message
	}
	return strings.TrimSuffix(fmt.Sprintf("the endpoint answered %d: %s", e.Status, e.Message), ": ")
}

// errorMessage finds the message in the forms that endpoints use: error as a
// text, or as an object with a message. It returns "" if there is none.
func errorMessage(text []byte) string {
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(text, &body) != nil || len(body.Error) == 0 || string(body.Error) == "null" {
		return ""
	}
	var message string
	if json.Unmarshal(body.Error, &message) == nil {
		return message
	}
	var object struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body.Error, &object) == nil && object.Message != "" {
		return object.Message
	}
	return string(body.Error)
}
