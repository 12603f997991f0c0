package export

import (
	"encoding/csv"
	"fmt"
	"strings"
)

// csvSink writes RFC 4180 CSV with a header line.
type csvSink struct {
	w          *csv.Writer
	noFormulas bool
	table      table
	record     []string
}

func newCSVSink(t *target, noFormulas bool, columns []string) (*csvSink, error) {
	s := &csvSink{w: csv.NewWriter(t), noFormulas: noFormulas}
	if columns == nil {
		return s, nil // the first object brings them
	}
	columns, err := checkColumns(columns)
	if err != nil {
		return nil, err
	}
	return s, s.line(columns)
}

func (s *csvSink) write(r row) error {
	values, isFirst, err := s.table.columnsOf(r)
	if err != nil {
		return err
	}
	if isFirst {
		if err := s.line(s.table.names); err != nil {
			return err
		}
	}
	s.record = s.record[:0]
	for _, v := range values {
		text := textOf(v)
		if _, isText := v.(string); isText && s.noFormulas {
			text = withoutFormula(text)
		}
		s.record = append(s.record, text)
	}
	return s.line(s.record)
}

// withoutFormula makes text of what a spreadsheet would run: what begins so, also
// behind a tab or a line break that it skips.
func withoutFormula(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}

func (s *csvSink) line(record []string) error {
	if err := s.w.Write(record); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func (s *csvSink) finish() error {
	s.w.Flush()
	if err := s.w.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func (s *csvSink) abort() {}
