package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
)

// csvSource reads CSV with a header line.
type csvSource struct {
	stream  io.Closer
	counted *countedReader
	reader  *csv.Reader
	header  []string
	values  []any
}

func newCSVSource(stream io.Closer, counted *countedReader) (*csvSource, error) {
	s := &csvSource{stream: stream, counted: counted, reader: csv.NewReader(counted)}
	header, err := s.reader.Read()
	if err != nil {
		return nil, refuse("the CSV source has no header line: %w", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // written by spreadsheets
	s.header = slices.Clone(header)
	s.reader.ReuseRecord = true
	s.values = make([]any, len(header))
	return s, nil
}

func (s *csvSource) columns() []string { return s.header }

func (s *csvSource) next() (row, error) {
	record, err := s.reader.Read()
	if err == io.EOF {
		return row{}, err
	}
	if err != nil {
		return row{}, refuse("the CSV source: %w", err)
	}
	for i, v := range record {
		s.values[i] = v
	}
	return row{values: s.values}, nil
}

func (s *csvSource) progress(int64) (float64, bool) { return s.counted.share() }

func (s *csvSource) close() error {
	if err := s.stream.Close(); err != nil {
		return fmt.Errorf("close the source: %w", err)
	}
	return nil
}
