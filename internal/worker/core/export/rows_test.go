//go:build !race

package export_test

// tableRows is how many rows the large table has.
const tableRows = 1_000_000
