package linerpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/jobrunner-dev/jobrunner/internal/jsonvalid"
)

// message is a JSON-RPC 2.0 request, notification or response.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

// Error is the error member of a response: what the other side answers in place
// of a result.
type Error struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Codes of errors. What a handler or its module throws comes as CodeThrown.
const (
	CodeThrown   = -32000
	CodeNoMethod = -32601
	CodeParams   = -32602
	CodeInternal = -32603
)

var null = json.RawMessage("null")

// appendRequest writes a request or, without an id, a notification. The params
// are JSON without line breaks.
func appendRequest(b []byte, id int64, method string, params []byte) []byte {
	b = append(b, `{"jsonrpc":"2.0",`...)
	if id != 0 {
		b = append(b, `"id":`...)
		b = strconv.AppendInt(b, id, 10)
		b = append(b, ',')
	}
	b = append(b, `"method":"`...)
	b = append(b, method...)
	b = append(b, '"')
	if len(params) > 0 {
		b = append(b, `,"params":`...)
		b = append(b, params...)
	}
	return append(b, "}\n"...)
}

// appendResult writes a response. The result is JSON without line breaks.
func appendResult(b []byte, id, result []byte) []byte {
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, `,"result":`...)
	b = append(b, result...)
	return append(b, "}\n"...)
}

func appendError(b []byte, id []byte, e *Error) []byte {
	text, err := Encode(e)
	if err != nil { // its data is no JSON
		text, _ = Encode(&Error{Code: e.Code, Message: e.Message})
	}
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, `,"error":`...)
	b = append(b, text...)
	return append(b, "}\n"...)
}

// Encode writes a value as JSON on one line, with <, > and & as they are.
func Encode(v any) (json.RawMessage, error) {
	if raw, ok := v.(json.RawMessage); ok && raw != nil {
		if !jsonvalid.Valid(raw) {
			return nil, errors.New("it is not JSON")
		}
		return OneLine(raw), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// OneLine returns valid JSON without line breaks: JSON has them as white space
// between values only.
func OneLine(text json.RawMessage) json.RawMessage {
	if bytes.IndexByte(text, '\n') < 0 {
		return text
	}
	var b bytes.Buffer
	b.Grow(len(text))
	if json.Compact(&b, text) != nil {
		return null // the caller's text is valid, and so this is not reached
	}
	return b.Bytes()
}

// decode reads a message, and reports whether the line is one. The message
// shares the line's memory.
func decode(line []byte) (message, bool) {
	line = bytes.TrimSpace(line)
	if m, ok := decodePlain(line); ok {
		return m, true
	}
	if len(line) == 0 || line[0] != '{' {
		return message{}, false
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil || m.Version != "2.0" {
		return message{}, false
	}
	return m, true
}

// decodePlain reads responses in the very form that peers write them, of which
// there is one for each job. Reading them as any other JSON would take several
// times as long.
func decodePlain(line []byte) (message, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"jsonrpc":"2.0","id":`))
	if !ok {
		return message{}, false
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	id := rest[:digits]
	rest, ok = bytes.CutPrefix(rest[digits:], []byte(`,"result":`))
	if !ok || digits == 0 || len(rest) < 2 || rest[len(rest)-1] != '}' {
		return message{}, false
	}
	if rest = rest[:len(rest)-1]; !jsonvalid.Valid(rest) {
		return message{}, false
	}
	return message{Version: "2.0", ID: id, Result: rest}, true
}
