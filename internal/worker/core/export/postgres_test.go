package export_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/export"
)

func TestAPostgreSQLQueryIsExported(t *testing.T) {
	t.Parallel()
	url := testenv.Postgres(t)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), `CREATE TABLE orders (id bigint, name text, total numeric(10,2), paid boolean, at timestamptz, tags jsonb)`)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO orders VALUES (1, 'Ada', 9.50, true, '2026-01-02 03:04:05Z', '{"a":1}'), (2, NULL, NULL, false, NULL, NULL)`)
	require.NoError(t, err)

	b := newBench(t, func(o *export.Options) { o.Connections["pg"] = url })
	result := b.mustRun(`{"format":"jsonl","source":{"sql":{"connection":"pg","query":"SELECT id, name, total, paid, at AT TIME ZONE 'UTC' AS at, tags FROM orders WHERE id >= $1 ORDER BY id","args":[1]}}}`)
	require.Equal(t, []string{
		`{"id":1,"name":"Ada","total":"9.50","paid":true,"at":"2026-01-02T03:04:05Z","tags":"{\"a\": 1}"}`,
		`{"id":2,"name":null,"total":null,"paid":false,"at":null,"tags":null}`, "",
	}, strings.Split(read(t, result.Path), "\n"))

	_, err = b.run(`{"format":"csv","file":"x","source":{"sql":{"connection":"pg","query":"DELETE FROM orders RETURNING id"}}}`)
	require.ErrorContains(t, err, "read-only transaction")
}
