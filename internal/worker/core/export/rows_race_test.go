//go:build race

package export_test

// tableRows is how many rows the large table has. The race detector makes the
// SQLite driver some thirty times slower; `make test` runs the million without it.
const tableRows = 30_000
