package export

import (
	"fmt"
	"strings"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// Format is a kind of file.
type Format string

// The formats. XLSX can be written only.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
	JSON      Format = "json"
	XLSX      Format = "xlsx"
)

// Data is what a data-export job asks for.
type Data struct {
	Source Source `json:"source" jsonschema:"title=Source,description=Where the rows come from: exactly one of sql\\, file and url"`
	Format Format `json:"format" jsonschema:"title=Format,description=What to write,enum=csv,enum=jsonl,enum=xlsx,default=csv"`
	// File is a name without folders; the job's own name and id make one if it is empty.
	File      string `json:"file,omitempty" jsonschema:"title=File name,description=Name of the file in the worker's export directory; made from queue and job id if empty,maxLength=200,pattern=^[^/\\\\]*$"`
	Overwrite bool   `json:"overwrite,omitempty" jsonschema:"title=Overwrite,description=Replace a file of that name"`
	// NoFormulas guards who opens the file in a spreadsheet.
	NoFormulas bool   `json:"noFormulas,omitempty" jsonschema:"title=No formulas,description=For CSV: put a quote before texts that spreadsheets would run as formulas: those that begin with = + - or @"`
	Sheet      string `json:"sheet,omitempty" jsonschema:"title=Sheet,description=Name of the sheet in XLSX,maxLength=25,default=Data"`
}

// Source says where rows come from; exactly one member is given.
type Source struct {
	SQL  *SQLSource  `json:"sql,omitempty" jsonschema:"title=SQL query"`
	File *FileSource `json:"file,omitempty" jsonschema:"title=File"`
	URL  *URLSource  `json:"url,omitempty" jsonschema:"title=Web address"`
}

// SQLSource is a query on one of the worker's connections.
type SQLSource struct {
	Connection string `json:"connection" jsonschema:"title=Connection,description=Name of a connection in the worker's configuration,minLength=1"`
	Query      string `json:"query" jsonschema:"title=Query,description=One SELECT statement,minLength=1"`
	Args       []any  `json:"args,omitempty" jsonschema:"title=Arguments,description=Values for the query's placeholders"`
	CountQuery string `json:"countQuery,omitempty" jsonschema:"title=Count query,description=Returns the number of rows with the same arguments; makes a percentage of the progress"`
}

// FileSource is a file in one of the worker's source directories.
type FileSource struct {
	Path   string `json:"path" jsonschema:"title=Path,description=Path below one of the worker's source directories,minLength=1"`
	Format Format `json:"format" jsonschema:"title=Format,enum=csv,enum=jsonl,enum=json"`
}

// URLSource is a document of a public web address.
type URLSource struct {
	URL     string            `json:"url" jsonschema:"title=URL,format=uri,minLength=1"`
	Format  Format            `json:"format" jsonschema:"title=Format,enum=csv,enum=jsonl,enum=json"`
	Headers map[string]string `json:"headers,omitempty" jsonschema:"title=Headers,description=Header fields of the request by name"`
}

// Progress is what the handler reports while it runs.
type Progress struct {
	Rows int64 `json:"rows"`
	// Percent is left out while the total is not known.
	Percent *float64 `json:"percent,omitempty"`
}

// Result is the result of an export.
type Result struct {
	// File is the file's name, Path the whole path.
	File       string `json:"file"`
	Path       string `json:"path"`
	Format     Format `json:"format"`
	Rows       int64  `json:"rows"`
	Bytes      int64  `json:"bytes"`
	DurationMS int64  `json:"durationMs"`
}

// fileName is the name asked for, with the format's extension, or one that
// belongs to the job, so that a further attempt finds its place again.
func (d *Data) fileName(job *handler.Job) string {
	name := d.File
	if name == "" {
		name = fmt.Sprintf("%s-%s", job.Queue, job.ID)
		name = strings.NewReplacer("/", "-", "\\", "-", ":", "-").Replace(name)
	}
	if ext := "." + string(d.Format); !strings.HasSuffix(strings.ToLower(name), ext) {
		name += ext
	}
	return name
}
