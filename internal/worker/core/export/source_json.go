package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxObject bounds one JSON row, in bytes.
const maxObject = 16 << 20

// jsonSource reads JSON objects: the items of an array, or one after the other.
type jsonSource struct {
	stream  io.Closer
	counted *countedReader
	limited *rowLimit
	decoder *json.Decoder
	array   bool
	fields  []field
}

func newJSONSource(stream io.Closer, counted *countedReader, format Format) (*jsonSource, error) {
	limited := &rowLimit{r: bufio.NewReaderSize(counted, 64<<10)}
	s := &jsonSource{stream: stream, counted: counted, limited: limited, decoder: json.NewDecoder(limited), array: format == JSON}
	if !s.array {
		return s, nil
	}
	limited.left = maxObject
	open, err := s.decoder.Token()
	if err != nil || open != json.Delim('[') {
		return nil, refuse("a JSON source is an array of objects")
	}
	return s, nil
}

func (s *jsonSource) columns() []string { return nil }

func (s *jsonSource) next() (row, error) {
	s.limited.left = maxObject
	if s.array && !s.decoder.More() {
		if _, err := s.decoder.Token(); err != nil {
			return row{}, s.problem(err)
		}
		return row{}, io.EOF
	}
	var raw json.RawMessage
	if err := s.decoder.Decode(&raw); err != nil {
		if errors.Is(err, io.EOF) && !s.array {
			return row{}, io.EOF
		}
		return row{}, s.problem(err)
	}
	if err := s.split(raw); err != nil {
		return row{}, s.problem(err)
	}
	return row{object: s.fields, raw: raw}, nil
}

// split takes an object apart, in the order of its members. Members that are
// objects or arrays stay JSON text.
func (s *jsonSource) split(raw []byte) error {
	s.fields = s.fields[:0]
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errors.New("an item is not an object")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		scalar, err := scalarOf(value)
		if err != nil {
			return err
		}
		s.fields = append(s.fields, field{name.(string), scalar}) //nolint:forcetypeassert // keys are strings
	}
	return nil
}

// scalarOf decodes a scalar; numbers keep every digit.
func scalarOf(text json.RawMessage) (any, error) {
	if text[0] == '{' || text[0] == '[' {
		return text, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

func (s *jsonSource) problem(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // a plain EOF would pass for the end of the rows
	}
	return refuse("the JSON source: %w", err)
}

func (s *jsonSource) progress(int64) (float64, bool) { return s.counted.share() }

func (s *jsonSource) close() error {
	if err := s.stream.Close(); err != nil {
		return fmt.Errorf("close the source: %w", err)
	}
	return nil
}

// rowLimit fails when one row needs more than what is left, so that a source
// without an end to a row cannot fill the memory.
type rowLimit struct {
	r    io.Reader
	left int
}

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("an item has more than %d bytes", maxObject)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
