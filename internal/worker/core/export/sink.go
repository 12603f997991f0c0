package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// rowSink writes rows to a file. After the last one, finish is called; abort if
// there will be no last one.
type rowSink interface {
	write(r row) error
	finish() error
	abort()
}

func openSink(in Data, t *target, rows rowSource) (rowSink, error) {
	switch in.Format {
	case CSV:
		return newCSVSink(t, in.NoFormulas, rows.columns())
	case JSONLines:
		return newJSONSink(t, rows.columns())
	case XLSX:
		return newXLSXSink(t, in.Sheet, rows.columns())
	default:
		return nil, refuse("format %q cannot be written", in.Format)
	}
}

// table gives JSON objects columns: those of the first object. A member that
// the first one did not have is an error rather than lost.
type table struct {
	names  []string
	index  map[string]int
	values []any
}

// columnsOf returns the row's values by column. The first object of a source
// without columns makes them.
func (t *table) columnsOf(r row) (values []any, isFirst bool, err error) {
	if r.object == nil {
		return r.values, false, nil
	}
	if t.names == nil {
		isFirst = true
		t.index = make(map[string]int, len(r.object))
		for _, f := range r.object {
			if _, twice := t.index[f.name]; twice {
				return nil, false, refuse("member %q is there twice", f.name)
			}
			t.index[f.name] = len(t.names)
			t.names = append(t.names, f.name)
		}
		t.values = make([]any, len(t.names))
	}
	clear(t.values)
	for _, f := range r.object {
		i, ok := t.index[f.name]
		if !ok {
			return nil, false, refuse("member %q is not in the first object, whose members are the columns; export to jsonl, or complete the first object", f.name)
		}
		t.values[i] = f.value
	}
	return t.values, isFirst, nil
}

// textOf writes a value as text, "" for null.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case json.Number:
		return v.String()
	case json.RawMessage:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}

func checkColumns(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, refuse("the source has no columns")
	}
	return slices.Clone(names), nil
}
