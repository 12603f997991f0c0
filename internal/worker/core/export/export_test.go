package export_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/export"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// exportContext is a handler.Context that keeps the progress.
type exportContext struct {
	*handlertest.Context
	job *handler.Job

	mu       sync.Mutex
	progress []export.Progress // guarded by mu
	reported func()
}

func (c *exportContext) Job() *handler.Job { return c.job }

func (c *exportContext) Progress(value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = append(c.progress, *value.(*export.Progress))
	if c.reported != nil {
		c.reported()
	}
}

// bench is a handler with a directory for everything.
type bench struct {
	t       *testing.T
	dir     string // of exports
	sources string
	handler *handler.Definition
	ctx     *exportContext
}

func newBench(t *testing.T, change func(*export.Options)) *bench {
	t.Helper()
	b := &bench{t: t, dir: filepath.Join(t.TempDir(), "exports"), sources: t.TempDir(), ctx: &exportContext{Context: handlertest.New(t.Context(), handler.Job{})}}
	opts := export.Options{Dir: b.dir, SourceDirs: []string{b.sources}, Connections: map[string]string{
		"shop": "sqlite://" + filepath.Join(b.sources, "shop.db"),
	}}
	if change != nil {
		change(&opts)
	}
	var err error
	dialer := safedial.New(safedial.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	b.handler, err = export.New(dialer, opts)
	require.NoError(t, err)
	return b
}

func (b *bench) run(data string) (*export.Result, error) {
	b.t.Helper()
	b.ctx.job = &handler.Job{ID: "7", Queue: "q", Name: "data-export", Data: json.RawMessage(data)}
	text, err := b.handler.Run(b.ctx)
	if err != nil {
		return nil, err
	}
	var result export.Result
	require.NoError(b.t, json.Unmarshal(text, &result))
	return &result, nil
}

func (b *bench) mustRun(data string) *export.Result {
	b.t.Helper()
	result, err := b.run(data)
	require.NoError(b.t, err)
	return result
}

func (b *bench) source(name, text string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(b.sources, name), []byte(text), 0o600))
}

// database makes the connection "shop" with what the statements make.
func (b *bench) database(statements ...string) {
	b.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.sources, "shop.db"))
	require.NoError(b.t, err)
	for _, s := range statements {
		_, err := db.ExecContext(b.t.Context(), s)
		require.NoError(b.t, err)
	}
	require.NoError(b.t, db.Close())
}

// requireEmpty checks that neither a file nor a temporary one was left.
func (b *bench) requireEmpty() {
	b.t.Helper()
	entries, err := os.ReadDir(b.dir)
	if !os.IsNotExist(err) {
		require.NoError(b.t, err)
		require.Empty(b.t, entries)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

const ordersTable = `CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, total REAL, note BLOB, paid INTEGER);
	INSERT INTO orders VALUES (1, 'Ada, "the first"', 9.5, NULL, 1), (2, 'Zoë', 1e21, x'ff00', 0), (9007199254740993, 'Big', 0.1, 'x', NULL)`

func TestAQueryIsExportedToEachFormat(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"csv": "id,customer,total,note,paid\n1,\"Ada, \"\"the first\"\"\",9.5,,1\n2,Zoë,1e+21,/wA=,0\n9007199254740993,Big,0.1,x,\n",
		"jsonl": `{"id":1,"customer":"Ada, \"the first\"","total":9.5,"note":null,"paid":1}` + "\n" +
			`{"id":2,"customer":"Zoë","total":1e+21,"note":"/wA=","paid":0}` + "\n" +
			`{"id":9007199254740993,"customer":"Big","total":0.1,"note":"x","paid":null}` + "\n",
	}
	for format, want := range tests {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.database(ordersTable)
			result := b.mustRun(`{"format":"` + format + `","file":"orders","source":{"sql":{"connection":"shop",
				"query":"SELECT * FROM orders WHERE id >= ? ORDER BY id","args":[1],"countQuery":"SELECT count(*) FROM orders WHERE id >= ?"}}}`)
			require.Equal(t, "orders."+format, result.File)
			require.EqualValues(t, 3, result.Rows)
			require.EqualValues(t, len(want), result.Bytes)
			require.Equal(t, want, read(t, result.Path))
			last := b.ctx.progress[len(b.ctx.progress)-1]
			require.EqualValues(t, 3, last.Rows)
			require.InDelta(t, 100, *last.Percent, 0)
		})
	}
	t.Run("xlsx", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, nil)
		b.database(ordersTable)
		result := b.mustRun(`{"format":"xlsx","sheet":"Orders","source":{"sql":{"connection":"shop","query":"SELECT * FROM orders ORDER BY id"}}}`)
		require.Equal(t, "q-7.xlsx", result.File)
		require.Equal(t, [][]string{
			{"id", "customer", "total", "note", "paid"},
			{"1", `Ada, "the first"`, "9.5", "", "1"},
			{"2", "Zoë", "1000000000000000000000", "/wA=", "0"},
			{"9007199254740993", "Big", "0.1", "x"},
		}, sheet(t, result.Path, "Orders"))
	})
}

func sheet(t *testing.T, path, name string) [][]string {
	t.Helper()
	book, err := excelize.OpenFile(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, book.Close()) }()
	rows, err := book.GetRows(name, excelize.Options{RawCellValue: false})
	require.NoError(t, err)
	return rows
}

func TestDocumentsAreExported(t *testing.T) {
	t.Parallel()
	const objects = `{"id":1,"name":"Ada","tags":["a","b"]}` + "\n" + `{"id":20000000000000000001,"name":null}`
	tests := map[string]struct{ source, format, want string }{
		"csv to jsonl":   {"a.csv", "jsonl", `{"id":"1","name":"Ada"}` + "\n" + `{"id":"2","name":"multi\nline"}` + "\n"},
		"csv to csv":     {"a.csv", "csv", "id,name\n1,Ada\n2,\"multi\nline\"\n"},
		"jsonl to csv":   {"a.jsonl", "csv", "id,name,tags\n1,Ada,\"[\"\"a\"\",\"\"b\"\"]\"\n20000000000000000001,,\n"},
		"jsonl to jsonl": {"a.jsonl", "jsonl", objects + "\n"},
		"json to jsonl":  {"a.json", "jsonl", objects + "\n"},
		"empty json":     {"empty.json", "jsonl", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.source("a.csv", "\ufeffid,name\n1,Ada\n2,\"multi\nline\"\n")
			b.source("a.jsonl", objects+"\n")
			b.source("a.json", "[\n "+strings.Replace(objects, "\n", ",\n", 1)+"]")
			b.source("empty.json", "[]")
			kind := strings.TrimPrefix(filepath.Ext(tt.source), ".")
			result := b.mustRun(fmt.Sprintf(`{"format":%q,"source":{"file":{"path":%q,"format":%q}}}`, tt.format, tt.source, kind))
			require.Equal(t, tt.want, read(t, result.Path))
		})
	}
}

func TestAWebAddressIsExported(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") != "t" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, "a,b\n1,2\n")
	}))
	t.Cleanup(server.Close)
	b := newBench(t, nil)
	result := b.mustRun(`{"format":"jsonl","source":{"url":{"url":"` + server.URL + `","format":"csv","headers":{"X-Token":"t"}}}}`)
	require.JSONEq(t, `{"a":"1","b":"2"}`, read(t, result.Path))

	_, err := b.run(`{"format":"csv","file":"x","source":{"url":{"url":"` + server.URL + `","format":"csv"}}}`)
	require.ErrorContains(t, err, "the server answered 403")
	require.True(t, bullmq.IsUnrecoverable(err))
	_, err = b.run(`{"format":"csv","file":"x","source":{"url":{"url":"http://169.254.169.254/latest","format":"csv"}}}`)
	require.ErrorIs(t, err, safedial.ErrBlocked)
	require.True(t, bullmq.IsUnrecoverable(err))
}

func TestHeadersOfARequestStayWithTheirHost(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "token\n["+r.Header.Get("X-Token")+"]\n")
	}))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(server.Close)
	b := newBench(t, nil)
	result := b.mustRun(`{"format":"csv","source":{"url":{"url":"` + server.URL + `","format":"csv","headers":{"X-Token":"t"}}}}`)
	require.Equal(t, "token\n[]\n", read(t, result.Path))
}

func TestTextsThatSpreadsheetsWouldRunAreQuotedIfAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.source("a.jsonl", `{"a":"=1+1","b":"@x","c":-1,"d":"-1","e":"a=b"}`+"\n")
	result := b.mustRun(`{"format":"csv","noFormulas":true,"source":{"file":{"path":"a.jsonl","format":"jsonl"}}}`)
	require.Equal(t, "a,b,c,d,e\n'=1+1,'@x,-1,'-1,a=b\n", read(t, result.Path))
}

func TestRefusalsAreForGoodAndLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ data, want string }{
		"no source":          {`{"format":"csv","source":{}}`, "exactly one of sql, file and url"},
		"two sources":        {`{"format":"csv","source":{"file":{"path":"a.csv","format":"csv"},"url":{"url":"http://x","format":"csv"}}}`, "exactly one"},
		"unknown connection": {`{"format":"csv","source":{"sql":{"connection":"bank","query":"SELECT 1"}}}`, `connection "bank" is not configured; there are: shop`},
		"file outside":       {`{"format":"csv","source":{"file":{"path":"../secret.csv","format":"csv"}}}`, "is not a file in one of the directories"},
		"absolute outside":   {`{"format":"csv","source":{"file":{"path":"/etc/passwd","format":"csv"}}}`, "is not a file in one of the directories"},
		"link outside":       {`{"format":"csv","source":{"file":{"path":"link.csv","format":"csv"}}}`, "is not a file in one of the directories"},
		"folder":             {`{"format":"csv","source":{"file":{"path":".","format":"csv"}}}`, "is not a file in one of the directories"},
		"name with a folder": {`{"format":"csv","file":"../x","source":{"file":{"path":"a.csv","format":"csv"}}}`, "is not a plain name"},
		"ragged CSV":         {`{"format":"jsonl","source":{"file":{"path":"ragged.csv","format":"csv"}}}`, "row 1: the CSV source: record on line 2: wrong number of fields"},
		"late member":        {`{"format":"csv","source":{"file":{"path":"late.jsonl","format":"jsonl"}}}`, `row 2: member "b" is not in the first object`},
		"no objects":         {`{"format":"csv","source":{"file":{"path":"numbers.json","format":"json"}}}`, "row 1: the JSON source: an item is not an object"},
		"cut off":            {`{"format":"csv","source":{"file":{"path":"cut.json","format":"json"}}}`, "the JSON source: unexpected EOF"},
		"cell too long":      {`{"format":"xlsx","source":{"file":{"path":"long.csv","format":"csv"}}}`, `row 1: column "a": a value has more than the 32767 characters`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.source("a.csv", "a,b\n1,2\n")
			b.source("ragged.csv", "a,b\n1\n")
			b.source("late.jsonl", `{"a":1}`+"\n"+`{"a":1,"b":2}`+"\n")
			b.source("numbers.json", `[1]`)
			b.source("cut.json", `[{"a":1}`)
			b.source("long.csv", "a\n"+strings.Repeat("x", 32768)+"\n")
			require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(b.sources, "link.csv")))
			_, err := b.run(tt.data)
			require.ErrorContains(t, err, tt.want)
			require.True(t, bullmq.IsUnrecoverable(err))
			b.requireEmpty()
		})
	}
}

func TestAQueryCannotWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.database(ordersTable)
	_, err := b.run(`{"format":"csv","source":{"sql":{"connection":"shop","query":"DELETE FROM orders RETURNING id"}}}`)
	require.ErrorContains(t, err, "readonly")
	_, err = b.run(`{"format":"csv","source":{"sql":{"connection":"shop","query":"SELECT * FROM nowhere"}}}`)
	require.ErrorContains(t, err, "no such table")
	b.requireEmpty()
}

func TestAnExistingFileIsReplacedOnlyIfAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.source("a.csv", "a\n1\n")
	data := `{"format":"csv","file":"same.csv","source":{"file":{"path":"a.csv","format":"csv"}}`
	b.mustRun(data + `}`)
	b.source("a.csv", "a\n2\n")
	_, err := b.run(data + `}`)
	require.ErrorContains(t, err, `file "same.csv" exists already`)
	require.Equal(t, "a\n1\n", read(t, filepath.Join(b.dir, "same.csv")))
	b.mustRun(data + `,"overwrite":true}`)
	require.Equal(t, "a\n2\n", read(t, filepath.Join(b.dir, "same.csv")))
	entries, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
}

func TestACancelledExportLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "xlsx"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			ctx, cancel := context.WithCancelCause(t.Context())
			errStop := fmt.Errorf("stop it")
			b.ctx.Context, b.ctx.reported = handlertest.New(ctx, handler.Job{}), func() { cancel(errStop) }
			b.database(ordersTable)
			_, err := b.run(`{"format":"` + format + `","source":{"sql":{"connection":"shop",
				"query":"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"}}}`)
			require.ErrorIs(t, err, errStop)
			b.requireEmpty()
		})
	}
}

func TestAFileBeyondTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *export.Options) { o.MaxFileBytes = 1000 })
	b.source("big.csv", "a\n"+strings.Repeat("0123456789\n", 100))
	_, err := b.run(`{"format":"csv","source":{"file":{"path":"big.csv","format":"csv"}}}`)
	require.ErrorContains(t, err, "more than the 1000 bytes allowed")
	b.requireEmpty()
}

func countLines(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	lines := bufio.NewScanner(f)
	n := 0
	for lines.Scan() {
		n++
	}
	require.NoError(t, lines.Err())
	return n
}
