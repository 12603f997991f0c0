package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("not found in the database")
	// ErrConflict says that a row with the same unique value exists.
	ErrConflict = errors.New("exists already in the database")
)

// wrap adds what was being done to an error and turns the drivers' errors that
// callers act on into this package's own.
func wrap(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		err = ErrNotFound
	case isUniqueViolation(err):
		err = ErrConflict
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func isUniqueViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// oneRow turns a change that met no row into [ErrNotFound].
func oneRow(doing string, res sql.Result, err error) error {
	if err != nil {
		return wrap(doing, err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	return wrap(doing, err)
}
