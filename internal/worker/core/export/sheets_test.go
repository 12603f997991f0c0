package export

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func TestRowsBeyondASheetGoToFurtherSheets(t *testing.T) { //nolint:paralleltest // changes sheetRows
	defer func(n int) { sheetRows = n }(sheetRows)
	sheetRows = 4
	dir := t.TempDir()
	target, err := createTarget(dir, "a.xlsx", false, 1<<20)
	require.NoError(t, err)
	sink, err := newXLSXSink(target, "Rows", []string{"n"})
	require.NoError(t, err)
	for n := range 7 {
		require.NoError(t, sink.write(row{values: []any{int64(n)}}))
	}
	require.NoError(t, sink.finish())
	_, err = target.commit()
	require.NoError(t, err)
	target.discard()

	book, err := excelize.OpenFile(filepath.Join(dir, "a.xlsx"))
	require.NoError(t, err)
	defer func() { require.NoError(t, book.Close()) }()
	require.Equal(t, []string{"Rows", "Rows 2", "Rows 3"}, book.GetSheetList())
	for name, want := range map[string][][]string{
		"Rows": {{"n"}, {"0"}, {"1"}, {"2"}}, "Rows 2": {{"n"}, {"3"}, {"4"}, {"5"}}, "Rows 3": {{"n"}, {"6"}},
	} {
		rows, err := book.GetRows(name)
		require.NoError(t, err)
		require.Equal(t, want, rows)
	}
}
