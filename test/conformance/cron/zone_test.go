package cron

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// zone is a time zone, and the day from which its next two changes of the clock
// are taken.
type zone struct{ name, from string }

// zones are those in which runs are compared.
var zones = []zone{
	{"UTC", "2026-01-01"},                 // no change
	{"Asia/Kathmandu", "2026-01-01"},      // a quarter of an hour, no change
	{"Europe/Berlin", "2026-01-01"},       // at 2 and at 3 o'clock
	{"Europe/Dublin", "2026-01-01"},       // at 1 o'clock; its winter time is the exception
	{"America/New_York", "2026-01-01"},    // at 2 o'clock
	{"America/St_Johns", "2026-01-01"},    // half an hour from its neighbors
	{"America/Havana", "2026-01-01"},      // at midnight, so that one day begins at 1 o'clock and one has two midnights
	{"America/Santiago", "2026-01-01"},    // at midnight, back into the day before, in the south
	{"America/Sao_Paulo", "2017-09-01"},   // at midnight, in the past
	{"Africa/Casablanca", "2026-01-01"},   // back for Ramadan
	{"Africa/Cairo", "2026-01-01"},        // at midnight, on Fridays
	{"Asia/Tehran", "2021-01-01"},         // at midnight, in the past
	{"Australia/Lord_Howe", "2026-01-01"}, // by half an hour
	{"Pacific/Chatham", "2026-01-01"},     // at a quarter to
	{"Pacific/Apia", "2020-09-01"},        // in the south, in the past
	{"Antarctica/Troll", "2027-01-01"},    // by two hours
}

// changes returns two changes of the zone's offset, or any two times if it has none.
func (z zone) changes(t *testing.T) []time.Time {
	t.Helper()
	location, err := time.LoadLocation(z.name)
	require.NoError(t, err)
	at, err := time.ParseInLocation(time.DateOnly, z.from, location)
	require.NoError(t, err)
	var found []time.Time
	for len(found) < 2 {
		_, end := at.ZoneBounds()
		if end.IsZero() {
			return []time.Time{at.AddDate(0, 3, 0), at.AddDate(0, 9, 0)}
		}
		_, before := at.Zone()
		if _, after := end.Zone(); after != before {
			found = append(found, end)
		}
		at = end
	}
	return found
}

// around draws a time near a change, mostly shortly before it.
func (g generator) around(change time.Time) int64 {
	const oneDay = 24 * time.Hour
	var from time.Time
	switch g.IntN(8) {
	case 0:
		from = change.Add(-time.Duration(g.Int64N(int64(2 * time.Minute))))
	case 1, 2, 3:
		from = change.Add(-time.Duration(g.Int64N(int64(4 * time.Hour))))
	case 4, 5:
		from = change.Add(-time.Duration(g.Int64N(int64(2 * oneDay))))
	case 6:
		from = change.Add(time.Duration(g.Int64N(int64(3 * time.Hour))))
	default:
		from = change.Add(-time.Duration(g.Int64N(int64(200 * oneDay))))
	}
	if g.IntN(2) == 0 {
		from = from.Truncate(time.Minute)
	}
	return from.UnixMilli()
}
