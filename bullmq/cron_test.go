package bullmq_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

const stamp = "2006-01-02T15:04:05-07:00"

func TestParseCronRefuses(t *testing.T) {
	t.Parallel()
	for name, pattern := range map[string]string{
		"nothing":                         "",
		"white space":                     " \t ",
		"seven fields":                    "* * * * * * *",
		"a word":                          "every day at noon please",
		"a value above the field's":       "60 * * * *",
		"a value below the field's":       "0 0 0 * *",
		"a value twice":                   "1,1 * * * *",
		"a value again in a range":        "0-9,5 * * * *",
		"Sunday twice":                    "0 0 * * 0,7",
		"a range that ends before":        "30-10 * * * *",
		"a step of nothing":               "*/0 * * * *",
		"a step without a number":         "*/ * * * *",
		"two steps":                       "*/5/5 * * * *",
		"an empty part":                   "1,,2 * * * *",
		"a name that is none":             "0 0 * * MUN",
		"a whole name":                    "0 0 * * MONDAY",
		"an L alone as weekday":           "0 0 * * L",
		"an L in a clock field":           "L * * * *",
		"days from the last":              "0 0 L-3 * *",
		"a sixth week":                    "0 0 * * 1#6",
		"a week in another notation":      "0 0 * * 1#0x2",
		"an occurrence in a list":         "0 0 * * 1,2#3",
		"the nearest weekday":             "0 0 15W * *",
		"a name in capitals":              "@DAILY",
		"a name that cron-parser lacks":   "@midnight",
		"an explicit 30th of February":    "0 0 30 2 *",
		"an explicit 31st of April":       "0 0 31 APR ?",
		"a hash outside of the field":     "H(60-70) * * * *",
		"a hash without a step":           "H/0 * * * *",
		"more than a thousand characters": strings.Repeat("0", 1100) + " * * * *",
	} {
		_, err := bullmq.ParseCron(pattern, "UTC")
		var refused *bullmq.ValidationError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, "pattern", refused.Field, name)
	}
}

func TestParseCronZones(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 0, 30, 0, 0, time.UTC)
	for tz, want := range map[string]string{
		"Europe/Berlin": "2026-07-01T03:00:00+02:00",
		"utc":           "2026-07-01T01:00:00+00:00",
		"GMT":           "2026-07-01T01:00:00+00:00",
		"UTC+5:30":      "2026-07-01T07:00:00+05:30",
		"utc-3":         "2026-06-30T22:00:00-03:00",
	} {
		c, err := bullmq.ParseCron("@hourly", tz)
		require.NoError(t, err, tz)
		require.Equal(t, want, c.Next(at).Format(stamp), tz)
	}
	for _, tz := range []string{"Mars/Olympus", "GMT+3", "+03:00", "Factory", "posixrules", "right/UTC", " UTC", "../UTC"} {
		_, err := bullmq.ParseCron("@hourly", tz)
		var refused *bullmq.ValidationError
		require.ErrorAs(t, err, &refused, tz)
		require.Equal(t, "tz", refused.Field, tz)
	}
	for _, tz := range []string{"", "local", "Local"} {
		c, err := bullmq.ParseCron("@hourly", tz)
		require.NoError(t, err, tz)
		require.Equal(t, time.Local, c.Next(at).Location(), tz)
	}
}

func TestCronNext(t *testing.T) {
	t.Parallel()
	// A Friday; 2028 is the next leap year.
	from := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		pattern string
		want    []string
	}{
		"six fields begin with seconds":           {"15,45 0 12 * * *", []string{"2026-01-02T12:00:15", "2026-01-02T12:00:45", "2026-01-03T12:00:15"}},
		"of five fields the second is 0":          {"0 * * * *", []string{"2026-01-02T13:00:00", "2026-01-02T14:00:00"}},
		"fields are missing at the front":         {"6", []string{"2026-01-03T00:00:00", "2026-01-03T00:01:00"}},
		"a match of now is not the next":          {"0 12 * * *", []string{"2026-01-03T12:00:00"}},
		"a step begins at its value":              {"0 5/7 * * *", []string{"2026-01-02T19:00:00", "2026-01-03T05:00:00", "2026-01-03T12:00:00"}},
		"a step counts from the field's least":    {"0 0 */10 * *", []string{"2026-01-11T00:00:00", "2026-01-21T00:00:00", "2026-01-31T00:00:00", "2026-02-01T00:00:00"}},
		"names in any case":                       {"0 0 * fEB,Mar Mon", []string{"2026-02-02T00:00:00", "2026-02-09T00:00:00"}},
		"names in ranges":                         {"0 0 * * fri-sat", []string{"2026-01-03T00:00:00", "2026-01-09T00:00:00"}},
		"7 is Sunday":                             {"0 0 * * 7", []string{"2026-01-04T00:00:00", "2026-01-11T00:00:00"}},
		"a range ends on Sunday":                  {"0 0 * * 6-7", []string{"2026-01-03T00:00:00", "2026-01-04T00:00:00", "2026-01-10T00:00:00"}},
		"a step that ends on Sunday has it":       {"0 0 * * 2-7/5", []string{"2026-01-04T00:00:00", "2026-01-06T00:00:00"}},
		"every seventh weekday is Sunday":         {"0 0 * * */7", []string{"2026-01-04T00:00:00", "2026-01-11T00:00:00"}},
		"both days are alternatives":              {"0 0 13 * 5", []string{"2026-01-09T00:00:00", "2026-01-13T00:00:00", "2026-01-16T00:00:00"}},
		"a question mark is no day":               {"0 0 13 * ?", []string{"2026-01-13T00:00:00", "2026-02-13T00:00:00"}},
		"all days that are written are given":     {"0 0 13 * 0-6", []string{"2026-01-03T00:00:00", "2026-01-04T00:00:00"}},
		"the last day":                            {"0 0 L * *", []string{"2026-01-31T00:00:00", "2026-02-28T00:00:00", "2026-03-31T00:00:00"}},
		"the last day and others":                 {"0 0 30,L 1-2 *", []string{"2026-01-30T00:00:00", "2026-01-31T00:00:00", "2026-02-28T00:00:00"}},
		"the last Friday":                         {"0 0 * * 5L", []string{"2026-01-30T00:00:00", "2026-02-27T00:00:00"}},
		"the last Friday and each Monday":         {"0 0 * 2 FRIL,1", []string{"2026-02-02T00:00:00", "2026-02-09T00:00:00", "2026-02-16T00:00:00", "2026-02-23T00:00:00", "2026-02-27T00:00:00"}},
		"the second Tuesday":                      {"0 0 * * TUE#2", []string{"2026-01-13T00:00:00", "2026-02-10T00:00:00"}},
		"a fifth Saturday":                        {"0 0 * * 6#5", []string{"2026-01-31T00:00:00", "2026-05-30T00:00:00"}},
		"all days of a week of the month":         {"0 0 * * *#5", []string{"2026-01-29T00:00:00", "2026-01-30T00:00:00", "2026-01-31T00:00:00", "2026-03-29T00:00:00"}},
		"leap days":                               {"0 0 29 2 *", []string{"2028-02-29T00:00:00", "2032-02-29T00:00:00"}},
		"a leap day in the weeks of February":     {"0 0 * 2 TUE#5", []string{"2028-02-29T00:00:00", "2056-02-29T00:00:00", "2084-02-29T00:00:00", "2124-02-29T00:00:00"}},
		"a 30th of February leaves the weekday":   {"0 0 30 2 7", []string{"2026-02-01T00:00:00", "2026-02-08T00:00:00"}},
		"months without the day are left out":     {"0 0 31 2,4,5 *", []string{"2026-05-31T00:00:00", "2027-05-31T00:00:00"}},
		"@weekly":                                 {"@weekly", []string{"2026-01-04T00:00:00", "2026-01-11T00:00:00"}},
		"@weekdays":                               {"@weekdays", []string{"2026-01-05T00:00:00"}},
		"@weekends":                               {"@weekends", []string{"2026-01-03T00:00:00", "2026-01-04T00:00:00", "2026-01-10T00:00:00"}},
		"@yearly":                                 {"@yearly", []string{"2027-01-01T00:00:00"}},
		"a day that no month of the pattern has":  {"0 0 31 2,4 *", []string{""}},
		"white space of any kind between fields":  {" 0\t0  1\u00a01 * ", []string{"2027-01-01T00:00:00"}},
		"a wildcard behind a digit is its range":  {"5* 12 * * *", []string{"2026-01-02T12:50:00", "2026-01-02T12:51:00"}},
		"as many characters as there are allowed": {strings.Repeat("0", 1000) + " * * * *", []string{"2026-01-02T13:00:00"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := bullmq.ParseCron(tt.pattern, "UTC")
			require.NoError(t, err)
			at := from
			for _, want := range tt.want {
				if at = c.Next(at); want == "" {
					require.Zero(t, at)
					return
				}
				require.Equal(t, want+"+00:00", at.Format(stamp))
			}
		})
	}
}

func TestCronNextWhereClocksChange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pattern, zone, from string
		want                []string
	}{
		"a run in an hour that is left out takes place in the next": {
			"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00",
			[]string{"2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"},
		},
		"two runs that fall together are one": {
			"0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"},
		},
		"one run stands for all of an hour that is left out": {
			"*/20 2 * * *", "America/New_York", "2026-03-08T01:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"},
		},
		"a run in an hour that occurs twice takes place once": {
			"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		},
		"runs of every hour take place in both": {
			"30 * * * *", "Europe/Berlin", "2026-10-25T01:00:00+02:00",
			[]string{"2026-10-25T01:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"},
		},
		"a run before a change that goes back two hours takes place twice": {
			"30 2 * * *", "Antarctica/Troll", "2027-10-31T00:00:00+02:00",
			[]string{"2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+00:00", "2027-11-01T02:30:00+00:00"},
		},
		"midnight that is left out is left out": {
			"0 0 * * *", "America/Havana", "2026-03-07T12:00:00-05:00",
			[]string{"2026-03-09T00:00:00-04:00"},
		},
		"half an hour that occurs twice does not stop the schedule": {
			"15 * * * *", "Australia/Lord_Howe", "2026-04-05T00:00:00+11:00",
			[]string{"2026-04-05T00:15:00+11:00", "2026-04-05T01:15:00+11:00", "2026-04-05T02:15:00+10:30"},
		},
		"half an hour that is left out has no runs": {
			"0,15,45 2 * * *", "Australia/Lord_Howe", "2026-10-04T00:00:00+10:30",
			[]string{"2026-10-04T02:45:00+11:00", "2026-10-05T02:00:00+11:00"},
		},
		"an hour that occurs twice from a quarter to": {
			"50 2 * * *", "Pacific/Chatham", "2026-04-05T00:00:00+13:45",
			[]string{"2026-04-05T02:50:00+13:45", "2026-04-06T02:50:00+12:45"},
		},
		"a day that a zone left out": {
			"0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00-10:00",
			[]string{"2012-12-30T12:00:00+14:00"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := bullmq.ParseCron(tt.pattern, tt.zone)
			require.NoError(t, err)
			at, err := time.Parse(stamp, tt.from)
			require.NoError(t, err)
			for _, want := range tt.want {
				at = c.Next(at)
				require.Equal(t, want, at.Format(stamp))
			}
		})
	}
}

func TestCronNextIsAfterPartsOfASecond(t *testing.T) {
	t.Parallel()
	c, err := bullmq.ParseCron("* * * * * *", "UTC")
	require.NoError(t, err)
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, from := range []time.Time{noon.Add(1), noon.Add(time.Millisecond), noon.Add(time.Second - 1), noon} {
		require.Equal(t, noon.Add(time.Second), c.Next(from))
	}
}

func TestCronDrawsHashedValuesWithinTheirRange(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for range 200 {
		c, err := bullmq.ParseCron("H H(10-19) H(8-9) * * *", "UTC")
		require.NoError(t, err)
		next := c.Next(from)
		require.Contains(t, []int{8, 9}, next.Hour())
		require.GreaterOrEqual(t, next.Minute(), 10)
		require.Less(t, next.Minute(), 20)
		require.Equal(t, next.AddDate(0, 0, 1), c.Next(next), "a pattern keeps what it has drawn")

		c, err = bullmq.ParseCron("H/15 * * * *", "UTC")
		require.NoError(t, err)
		next = c.Next(from)
		require.Equal(t, next.Add(15*time.Minute), c.Next(next))
		require.Equal(t, next.Add(time.Hour), c.Next(c.Next(c.Next(c.Next(next)))))
	}
}

func FuzzParseCron(f *testing.F) {
	for _, seed := range []string{
		"* * * * *", "*/5 0 1-7 * MON#2", "0 0 12 L * ?", "@daily", "1-7/0 * * * 7-7/3", "60 24 32 13 8",
		"H H(1-5)/2 * * H", "0 0 31 2,4 *", "5* *-9 1-31L jul#2 5L,1", "30 2 29 2 1#5", "*/99999999999999999999 0 * * 1",
	} {
		f.Add(seed, int64(1774738800_000), "Europe/Berlin")
	}
	f.Add("15 * * * *", int64(1775313000_000), "Australia/Lord_Howe")
	f.Add("0 0 * * *", int64(1324000000_000), "Pacific/Apia")
	f.Fuzz(func(t *testing.T, pattern string, from int64, tz string) {
		c, err := bullmq.ParseCron(pattern, tz)
		if err != nil {
			return
		}
		// Years of four digits, for which times can be compared.
		at := time.UnixMilli(from % 200_000_000_000_000)
		if next := c.Next(at); !next.IsZero() {
			require.True(t, next.After(at), "%q in %s after %s: %s", pattern, tz, at, next)
		}
	})
}

func BenchmarkCronNext(b *testing.B) {
	from := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for name, pattern := range map[string]string{
		"minutes": "*/5 * * * *", "weekdays": "30 9 * * 1-5", "month": "0 0 L * *", "year": "0 0 1 1 *", "never": "0 0 31 2,4 *",
	} {
		b.Run(name, func(b *testing.B) {
			c, err := bullmq.ParseCron(pattern, "Europe/Berlin")
			require.NoError(b, err)
			for b.Loop() {
				c.Next(from)
			}
		})
	}
}

func BenchmarkParseCron(b *testing.B) {
	for b.Loop() {
		_, err := bullmq.ParseCron("0 */5 9-17 * JAN-JUN 1-5", "Europe/Berlin")
		require.NoError(b, err)
	}
}
