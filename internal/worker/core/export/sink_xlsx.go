package export

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

const (
	// maxCellUnits is what a cell can hold, in UTF-16 code units.
	maxCellUnits = 32_767
	// maxSheetBytes keeps one sheet's XML well below the 4 GiB from which on
	// spreadsheets do not read it.
	maxSheetBytes = 2 << 30
	// cellOverhead is about what a cell takes in XML beside its text.
	cellOverhead = 48
)

// sheetRows is how many rows a sheet can hold, the header included. Further
// rows go to further sheets. A variable for the tests.
var sheetRows = excelize.TotalRows

// xlsxSink writes a workbook. Rows spill to a temporary file and are compressed
// from there into the target, so that memory does not grow with them.
type xlsxSink struct {
	target *target
	book   *excelize.File
	sheet  *excelize.StreamWriter
	name   string
	sheets int
	rows   int   // in the sheet, with its header
	bytes  int64 // of the sheet, about
	table  table
	header []string
	cells  []any
}

func newXLSXSink(t *target, name string, columns []string) (*xlsxSink, error) {
	s := &xlsxSink{target: t, name: cmp.Or(name, "Data"), book: excelize.NewFile(excelize.Options{TmpDir: t.dir})}
	if columns == nil {
		return s, nil // the first object brings them
	}
	var err error
	if s.header, err = checkColumns(columns); err == nil {
		err = s.addSheet()
	}
	if err != nil {
		s.abort()
		return nil, err
	}
	return s, nil
}

func (s *xlsxSink) write(r row) error {
	values, isFirst, err := s.table.columnsOf(r)
	if err != nil {
		return err
	}
	if isFirst {
		s.header = s.table.names
	}
	if s.sheet == nil || s.rows >= sheetRows || s.bytes >= maxSheetBytes {
		if err := s.addSheet(); err != nil {
			return err
		}
	}
	s.cells = s.cells[:0]
	for i, v := range values {
		cell, err := cellOf(v)
		if err != nil {
			return refuse("column %q: %w", s.header[i], err)
		}
		s.cells = append(s.cells, cell)
	}
	return s.addRow(s.cells)
}

// addSheet ends the sheet, if there is one, and begins the next with a header.
func (s *xlsxSink) addSheet() error {
	if err := s.endSheet(); err != nil {
		return err
	}
	if len(s.header) > excelize.MaxColumns {
		return refuse("there are %d columns, more than the %d a sheet can hold", len(s.header), excelize.MaxColumns)
	}
	s.sheets++
	name := s.name
	if s.sheets > 1 {
		name += " " + strconv.Itoa(s.sheets)
	}
	var err error
	if s.sheets == 1 {
		err = s.book.SetSheetName("Sheet1", name)
	} else {
		_, err = s.book.NewSheet(name)
	}
	if err != nil {
		return refuse("sheet %q: %w", name, err)
	}
	if s.sheet, err = s.book.NewStreamWriter(name); err != nil {
		return fmt.Errorf("sheet %q: %w", name, err)
	}
	s.rows, s.bytes = 0, 0
	header := make([]any, len(s.header))
	for i, h := range s.header {
		header[i] = h
	}
	return s.addRow(header)
}

func (s *xlsxSink) addRow(cells []any) error {
	s.rows++
	if err := s.sheet.SetRow("A"+strconv.Itoa(s.rows), cells); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	for _, c := range cells {
		s.bytes += cellOverhead
		if text, ok := c.(string); ok {
			s.bytes += int64(len(text))
		}
	}
	return nil
}

func (s *xlsxSink) endSheet() error {
	if s.sheet == nil {
		return nil
	}
	if err := s.sheet.Flush(); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	s.sheet = nil
	return nil
}

// finish compresses the sheets into the target. The library would build the
// archive in memory; the archive writer given to it goes to the file instead.
func (s *xlsxSink) finish() error {
	defer s.abort()
	if err := s.endSheet(); err != nil {
		return err
	}
	s.book.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(s.target) })
	if _, err := s.book.WriteToBuffer(); err != nil {
		return fmt.Errorf("write XLSX: %w", err)
	}
	return nil
}

// abort removes the temporary files.
func (s *xlsxSink) abort() { _ = s.book.Close() }

// cellOf turns a value into one that the library writes with its type.
func cellOf(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, float64:
		return v, nil
	case int64:
		// A cell's number is a double; a longer one would lose its last digits.
		if v > 1<<53 || v < -(1<<53) {
			return strconv.FormatInt(v, 10), nil
		}
		return v, nil
	case json.Number:
		if f, err := v.Float64(); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == v.String() {
			return f, nil
		}
		return v.String(), nil
	}
	text := textOf(v)
	if len(text) > maxCellUnits && utf16Units(text) > maxCellUnits {
		return nil, fmt.Errorf("a value has more than the %d characters an XLSX cell can hold", maxCellUnits)
	}
	return text, nil
}

func utf16Units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF && r != utf8.RuneError {
			n++
		}
	}
	return n
}
