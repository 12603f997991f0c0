package export_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// maxHeap is what an export may hold of Go's heap, whatever the number of rows.
// The rows alone would take several times as much.
const maxHeap = 96 << 20

// TestALargeTableIsExportedInConstantMemory runs one format after the other,
// as each measures the memory of the whole process.
func TestALargeTableIsExportedInConstantMemory(t *testing.T) { //nolint:paralleltest // see above
	b := newBench(t, nil)
	b.database(`PRAGMA journal_mode = OFF`, `PRAGMA synchronous = OFF`,
		`CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total REAL, placed TEXT)`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < `+strconv.Itoa(tableRows)+`)
		INSERT INTO orders SELECT i, 'customer number ' || i, i * 1.25, '2026-01-01T00:00:00Z' FROM n`)
	for format, count := range map[string]func(*testing.T, string) int{"csv": csvRows, "jsonl": countLines, "xlsx": xlsxRows} {
		t.Run(format, func(t *testing.T) {
			b.t, b.ctx.progress = t, nil
			peak := watchMemory()
			result := b.mustRun(`{"format":"` + format + `","file":"orders","source":{"sql":{"connection":"shop",
				"query":"SELECT * FROM orders","countQuery":"SELECT count(*) FROM orders"}}}`)
			heap, resident := peak()
			t.Logf("%d rows, %d MiB file, %d ms, peak heap %d MiB, peak resident %d MiB", result.Rows,
				result.Bytes>>20, result.DurationMS, heap>>20, resident>>20)
			require.EqualValues(t, tableRows, result.Rows)
			require.Less(t, heap, uint64(maxHeap))
			require.Equal(t, tableRows, count(t, result.Path))
			require.GreaterOrEqual(t, len(b.ctx.progress), 2, "progress was reported")
			for i, p := range b.ctx.progress[1:] {
				require.GreaterOrEqual(t, p.Rows, b.ctx.progress[i].Rows)
				require.GreaterOrEqual(t, *p.Percent, *b.ctx.progress[i].Percent)
			}
			require.NoError(t, os.Remove(result.Path))
		})
	}
}

func csvRows(t *testing.T, path string) int { return countLines(t, path) - 1 }

func xlsxRows(t *testing.T, path string) int {
	t.Helper()
	book, err := excelize.OpenFile(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, book.Close()) }()
	rows, err := book.Rows("Data")
	require.NoError(t, err)
	n := -1 // the header
	for rows.Next() {
		n++
	}
	require.NoError(t, rows.Close())
	return n
}

// watchMemory samples the process's memory until the returned function is called.
func watchMemory() func() (heap, resident uint64) {
	runtime.GC()
	stop, done := make(chan struct{}), make(chan struct{})
	var heap, resident uint64
	go func() {
		defer close(done)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap, resident = max(heap, m.HeapAlloc), max(resident, residentBytes())
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() (uint64, uint64) {
		close(stop)
		<-done
		return heap, resident
	}
}

// residentBytes is the process's resident memory, 0 where the system does not say.
func residentBytes() uint64 {
	text, err := os.ReadFile(filepath.Join("/proc/self", "statm"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	pages, _ := strconv.ParseUint(fields[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}
