package runtime

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// message is a JSON-RPC 2.0 request, notification or response.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// rpcError is the error member of a response.
type rpcError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *rpcError) Error() string { return e.Message }

// Error codes of JSON-RPC. What a module or a handler throws comes as -32000.
const (
	codeNoMethod = -32601
	codeInternal = -32603
)

var null = json.RawMessage("null")

// encodeLine writes a message as one line. JSON has no raw line breaks outside
// of white space, and encoding/json compacts raw messages, so one line it is.
func encodeLine(m message) ([]byte, error) {
	m.Version = "2.0"
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("encode %s message: %w", m.Method, err)
	}
	return b.Bytes(), nil
}

// decodeLine reads a message, and reports whether the line is one.
func decodeLine(line []byte) (message, bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return message{}, false
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil || m.Version != "2.0" {
		return message{}, false
	}
	return m, true
}

func encodeParams(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
