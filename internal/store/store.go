package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the driver named sqlite
)

// Dialect names a kind of database.
type Dialect string

// The databases that are supported.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

const (
	// readers bounds the connections that only read a SQLite file.
	readers = 4
	// poolSize bounds the connections to PostgreSQL.
	poolSize = 16
	// busyTimeout is how long SQLite waits for another process that writes.
	busyTimeout = 5 * time.Second
)

// DB is an open database whose schema is up to date. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	// write takes all changes. For SQLite it is one connection, since there is
	// one writer at a time and a queue in Go is fairer than its busy loop.
	write *bun.DB
	// read takes queries. For PostgreSQL it is the same pool as write.
	read *bun.DB
}

// Open opens the database at a URL and brings its schema up to date:
// sqlite:///absolute/path, sqlite:relative/path or postgres://user@host/name.
// Parameters of a postgres URL are those of pgx.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	scheme, _, _ := strings.Cut(rawURL, ":")
	var db *DB
	var err error
	switch scheme {
	case "sqlite":
		db, err = openSQLite(rawURL)
	case "postgres", "postgresql":
		db, err = openPostgres(rawURL)
	default:
		return nil, fmt.Errorf("store: the database URL must begin with sqlite: or postgres:, not %q", scheme+":")
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := db.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: migrate: %w", err), db.Close())
	}
	return db, nil
}

func openSQLite(rawURL string) (*DB, error) {
	path, err := sqlitePath(rawURL)
	if err != nil {
		return nil, err
	}
	params := url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
		},
		"_txlock": {"immediate"},
	}
	write, err := sql.Open("sqlite", sqliteDSN(path, params))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	params.Set("_query_only", "1")
	params.Del("_txlock")
	read, err := sql.Open("sqlite", sqliteDSN(path, params))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	return &DB{SQLite, bun.NewDB(write, sqlitedialect.New()), bun.NewDB(read, sqlitedialect.New())}, nil
}

// sqlitePath returns the absolute path of a URL: what follows sqlite:// is
// percent-encoded as in any URL, what follows sqlite: alone is taken as it is.
func sqlitePath(rawURL string) (string, error) {
	path := strings.TrimPrefix(rawURL, "sqlite:")
	if strings.HasPrefix(path, "//") {
		u, err := url.Parse(rawURL)
		if err != nil {
			return "", err
		}
		if u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
			return "", fmt.Errorf("a SQLite URL is sqlite:///absolute/path, got %q", rawURL)
		}
		path = u.Path
	}
	if path == "" {
		return "", errors.New("the SQLite URL has no path")
	}
	return filepath.Abs(path)
}

func sqliteDSN(path string, params url.Values) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: params.Encode()}).String()
}

func openPostgres(rawURL string) (*DB, error) {
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(poolSize)
	pool.SetMaxIdleConns(poolSize / 2)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	db := bun.NewDB(pool, pgdialect.New())
	return &DB{Postgres, db, db}, nil
}

// Close ends all connections.
func (db *DB) Close() error {
	if db.read == db.write {
		return db.write.Close()
	}
	return errors.Join(db.read.Close(), db.write.Close())
}

// Dialect returns which kind of database it is.
func (db *DB) Dialect() Dialect { return db.dialect }

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error {
	var one int
	return wrap("ping the database", db.read.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// Version returns the version of the database, such as "3.50.1".
func (db *DB) Version(ctx context.Context) (string, error) {
	query := "SELECT sqlite_version()"
	if db.dialect == Postgres {
		query = "SHOW server_version"
	}
	var version string
	err := db.read.QueryRowContext(ctx, query).Scan(&version)
	return version, wrap("read the database's version", err)
}

// tx runs f in a transaction that writes.
func (db *DB) tx(ctx context.Context, f func(ctx context.Context, tx bun.Tx) error) error {
	return db.write.RunInTx(ctx, nil, f)
}
