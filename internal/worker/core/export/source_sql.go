package export

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// sqlSource reads the rows of a query as the server sends them.
type sqlSource struct {
	db     *sql.DB
	tx     *sql.Tx
	rows   *sql.Rows
	names  []string
	values []any
	into   []any
	total  int64 // -1 if unknown
}

// openSQL runs the query in a read-only transaction.
func openSQL(ctx context.Context, connections map[string]string, s SQLSource) (rowSource, error) {
	target, ok := connections[s.Connection]
	if !ok {
		return nil, refuse("connection %q is not configured; there are: %s", s.Connection,
			strings.Join(slices.Sorted(maps.Keys(connections)), ", "))
	}
	driver, dsn, err := driverOf(target)
	if err != nil {
		return nil, refuse("connection %q: %w", s.Connection, err)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		// The driver's error may quote the URL, password included.
		return nil, refuse("connection %q: its URL is not understood", s.Connection)
	}
	source := &sqlSource{db: db, total: -1}
	if err := source.query(ctx, s); err != nil {
		return nil, errors.Join(err, source.close())
	}
	return source, nil
}

// driverOf turns a database URL into a driver's name and data source. SQLite is
// opened for reading only, and waits for writers.
func driverOf(target string) (driver, dsn string, err error) {
	scheme, rest, _ := strings.Cut(target, ":")
	switch scheme {
	case "postgres", "postgresql":
		return "pgx", target, nil
	case "sqlite":
		path := rest
		if strings.HasPrefix(rest, "//") {
			u, err := url.Parse(target)
			if err != nil || u.Host != "" || u.Path == "" {
				return "", "", fmt.Errorf("%q is not of the form sqlite:///absolute/path or sqlite:relative/path", target)
			}
			path = u.Path
		}
		if path, err = filepath.Abs(path); err != nil {
			return "", "", err
		}
		query := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "query_only(1)"}}
		return "sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String(), nil
	default:
		return "", "", fmt.Errorf("databases of the kind %q cannot be read, only sqlite and postgres", scheme)
	}
}

func (s *sqlSource) query(ctx context.Context, in SQLSource) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("connection %q: %w", in.Connection, err)
	}
	s.tx = tx
	args := make([]any, len(in.Args))
	for i, a := range in.Args {
		args[i] = argument(a)
	}
	if in.CountQuery != "" {
		if err := tx.QueryRowContext(ctx, in.CountQuery, args...).Scan(&s.total); err != nil {
			return fmt.Errorf("count query: %w", err)
		}
	}
	s.rows, err = tx.QueryContext(ctx, in.Query, args...) //nolint:rowserrcheck // next does
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	if s.names, err = s.rows.Columns(); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	s.values, s.into = make([]any, len(s.names)), make([]any, len(s.names))
	for i := range s.values {
		s.into[i] = &s.values[i]
	}
	return nil
}

// argument makes whole JSON numbers integers, as columns mostly are.
func argument(v any) any {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return v
}

func (s *sqlSource) columns() []string { return s.names }

func (s *sqlSource) next() (row, error) {
	if !s.rows.Next() {
		if err := s.rows.Err(); err != nil {
			return row{}, fmt.Errorf("query: %w", err)
		}
		return row{}, io.EOF
	}
	if err := s.rows.Scan(s.into...); err != nil {
		return row{}, fmt.Errorf("query: %w", err)
	}
	for i, v := range s.values {
		s.values[i] = plain(v)
	}
	return row{values: s.values}, nil
}

// plain turns a driver's value into one of nil, bool, int64, float64 and string.
func plain(v any) any {
	switch v := v.(type) {
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case float32:
		return float64(v)
	case nil, bool, int64, float64, string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func (s *sqlSource) progress(rows int64) (float64, bool) {
	if s.total <= 0 {
		return 0, false
	}
	return float64(rows) / float64(s.total), true
}

func (s *sqlSource) close() error {
	var errs []error
	if s.rows != nil {
		errs = append(errs, s.rows.Close())
	}
	if s.tx != nil {
		if err := s.tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, s.db.Close())...)
}
