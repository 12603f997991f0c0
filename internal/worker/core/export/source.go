package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/files"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
)

// row is one row: its values by column, or a JSON object as it came. Both are
// valid until the next row is read.
type row struct {
	values []any
	object []field // in place of values, from JSON sources
	raw    []byte  // the object's text
}

// field is a member of a JSON object.
type field struct {
	name  string
	value any
}

// rowSource gives rows one by one.
type rowSource interface {
	// columns are the names of the values; nil for sources of JSON objects.
	columns() []string
	// next returns the next row, and [io.EOF] after the last.
	next() (row, error)
	// progress returns which share has been read, from 0 to 1, if it is known.
	progress(rows int64) (share float64, known bool)
	close() error
}

// open opens the one source that is given.
func (e *exporter) open(ctx context.Context, s Source) (rowSource, error) {
	given := 0
	for _, set := range []bool{s.SQL != nil, s.File != nil, s.URL != nil} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, refuse("source needs exactly one of sql, file and url")
	case s.SQL != nil:
		return openSQL(ctx, e.opts.Connections, *s.SQL)
	case s.File != nil:
		return e.openFile(*s.File)
	default:
		return e.openURL(ctx, *s.URL)
	}
}

func (e *exporter) openFile(s FileSource) (rowSource, error) {
	file, info, err := files.OpenBelow(e.opts.SourceDirs, s.Path)
	if err != nil {
		return nil, refuse("source: %w", err)
	}
	return openDocument(file, info.Size(), s.Format)
}

func (e *exporter) openURL(ctx context.Context, s URLSource) (rowSource, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, refuse("source url: it is not a URL") // the parser's error repeats it
	}
	if err := e.dialer.CheckURL(u); err != nil {
		return nil, refuse("source url: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		return nil, refuse("source url: %w", err)
	}
	req.Header.Set("User-Agent", "JobRunner")
	for name, value := range s.Headers {
		req.Header.Set(name, value)
	}
	client := e.client()
	resp, err := client.Do(req) //nolint:bodyclose // responseBody closes it with the source
	if err != nil {
		client.CloseIdleConnections()
		return nil, sourceError(ctx, err)
	}
	body := &responseBody{resp.Body, client}
	if resp.StatusCode != http.StatusOK {
		_ = body.Close()
		return nil, statusError(resp)
	}
	return openDocument(body, resp.ContentLength, s.Format)
}

// client follows redirects as the dialer does, without the job's headers where
// they lead to another host.
func (e *exporter) client() *http.Client {
	client := e.dialer.Client(e.opts.HTTPTimeout)
	check := client.CheckRedirect
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if err := check(req, via); err != nil {
			return err
		}
		safedial.DropCredentials(req, via)
		return nil
	}
	return client
}

// sourceError leaves out the URL, which may hold a key.
func sourceError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	err = fmt.Errorf("source url: %w", err)
	if errors.Is(err, safedial.ErrBlocked) {
		return bullmq.Unrecoverable(err)
	}
	return err
}

func statusError(resp *http.Response) error {
	if !retry.Temporary(resp.StatusCode) {
		return refuse("source url: the server answered %s", resp.Status)
	}
	return fmt.Errorf("source url: the server answered %s", resp.Status)
}

// responseBody closes its connection for good: there is no second request.
type responseBody struct {
	io.ReadCloser
	client *http.Client
}

func (b *responseBody) Close() error {
	err := b.ReadCloser.Close()
	b.client.CloseIdleConnections()
	return err
}

// openDocument reads rows from a stream of a size, -1 if that is not known.
func openDocument(stream io.ReadCloser, size int64, format Format) (rowSource, error) {
	counted := &countedReader{r: stream, size: size}
	var source rowSource
	var err error
	switch format {
	case CSV:
		source, err = newCSVSource(stream, counted)
	case JSON, JSONLines:
		source, err = newJSONSource(stream, counted, format)
	default:
		err = refuse("source format %q cannot be read", format)
	}
	if err != nil {
		_ = stream.Close()
		return nil, err
	}
	return source, nil
}

// countedReader counts the bytes read.
type countedReader struct {
	r    io.Reader
	size int64 // -1 if unknown
	n    int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *countedReader) share() (float64, bool) {
	if c.size <= 0 {
		return 0, false
	}
	return float64(c.n) / float64(c.size), true
}
