package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// jsonSink writes one JSON object a line.
type jsonSink struct {
	w    io.Writer
	keys [][]byte // encoded, with the punctuation around them
	line bytes.Buffer
	enc  *json.Encoder
}

func newJSONSink(t *target, columns []string) (*jsonSink, error) {
	s := &jsonSink{w: t}
	s.enc = json.NewEncoder(&s.line)
	s.enc.SetEscapeHTML(false)
	for i, name := range columns {
		text, err := json.Marshal(name)
		if err != nil {
			return nil, refuse("column name %q: %w", name, err)
		}
		lead := byte(',')
		if i == 0 {
			lead = '{'
		}
		s.keys = append(s.keys, append(append([]byte{lead}, text...), ':'))
	}
	return s, nil
}

func (s *jsonSink) write(r row) error {
	s.line.Reset()
	if r.raw != nil {
		if err := json.Compact(&s.line, r.raw); err != nil {
			return refuse("%w", err)
		}
	} else {
		for i, v := range r.values {
			s.line.Write(s.keys[i])
			if err := s.enc.Encode(v); err != nil {
				return refuse("column %d: %w", i+1, err) // such as a NaN
			}
			s.line.Truncate(s.line.Len() - 1) // the encoder ends values with a line break
		}
		s.line.WriteByte('}')
	}
	s.line.WriteByte('\n')
	if _, err := s.w.Write(s.line.Bytes()); err != nil {
		return fmt.Errorf("write JSON Lines: %w", err)
	}
	return nil
}

func (s *jsonSink) finish() error { return nil }

func (s *jsonSink) abort() {}
