//go:build race

package export_test

// tableRows is how many rows the large table has. The race detector makes the
// SQLite driver some thirty times slower; without it the table has a million.
const tableRows = 30_000
