package cron

import (
	"testing"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// acceptedByNodeOnly are what the engine refuses on purpose.
var acceptedByNodeOnly = []struct{ pattern, tz, reason string }{
	{"", "UTC", "cron-parser takes nothing for every minute; bullmq's queue refuses it before"},
	{"0 0 * * 1#0x2", "UTC", "behind # it reads any number of JavaScript, among them hexadecimal ones"},
	{"0 0 * * 1000000000000000000000", "UTC", "it takes this for Monday, as JavaScript writes it 1e+21"},
	{"0 0 * * H(1-2)~", "UTC", "a field with an H in it may have characters that no other may"},
	{"@daily", "europe/berlin", "zones are spelled as in the time zone database"},
	{"@daily", "PST", "one of the obsolete names that Node's ICU has, and the time zone database does not"},
}

// differentRuns are the reasons for which a run may be another than Node's.
var differentRuns = []struct {
	reason  string
	applies func(q question, from time.Time, node *int64, run time.Time) bool
}{
	{
		"Where a clock is put back by half an hour, or at a quarter to, cron-parser's step to the next hour can lead " +
			"into the past. It then finds no run, which ends a schedule, or one before the last, which bullmq runs at " +
			"once, again and again. The engine goes on to the next hour.",
		func(q question, from time.Time, node *int64, run time.Time) bool {
			stuck := node == nil || *node <= from.UnixMilli()
			odd := q.TZ == "Australia/Lord_Howe" || q.TZ == "Pacific/Chatham"
			return stuck && odd && run.After(from) && putBack(from.Add(-time.Hour), run.Add(time.Hour))
		},
	},
}

// putBack reports whether the clock of run's zone is put back between two times.
func putBack(from, to time.Time) bool {
	for at := from.In(to.Location()); ; {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(to) {
			return false
		}
		_, before := at.Zone()
		if _, after := end.Zone(); after < before {
			return true
		}
		at = end
	}
}

// compare asks Node and the engine for the same runs, and fails for each
// difference that has no reason.
func compare(t *testing.T, questions []question) {
	t.Helper()
	tally := struct{ accepted, refused, runs, different int }{}
	for i, a := range askNode(t, questions) {
		q := questions[i]
		cron, err := bullmq.ParseCron(q.Pattern, q.TZ)
		if accepted := err == nil; accepted != (a.Error == "") {
			t.Errorf("%q in %q: Node says %q, Go says %v", q.Pattern, q.TZ, a.Error, err)
			continue
		}
		if err != nil {
			tally.refused++
			continue
		}
		tally.accepted++
		from := time.UnixMilli(q.From)
		for _, want := range a.Runs {
			tally.runs++
			run := cron.Next(from)
			if !same(want, run) {
				tally.different++
				if !excused(q, from, want, run) {
					t.Errorf("%q in %s after %s: Node runs at %s, Go at %s", q.Pattern, q.TZ, show(from, q.TZ), showRun(want, q.TZ), show(run, q.TZ))
				}
			}
			if want != nil {
				from = time.UnixMilli(*want)
			}
		}
	}
	t.Logf("%d accepted, %d refused, %d runs, %d of them different", tally.accepted, tally.refused, tally.runs, tally.different)
}

func same(want *int64, run time.Time) bool {
	if want == nil {
		return run.IsZero()
	}
	return run.Equal(time.UnixMilli(*want))
}

func excused(q question, from time.Time, want *int64, run time.Time) bool {
	for _, d := range differentRuns {
		if d.applies(q, from, want, run) {
			return true
		}
	}
	return false
}

func showRun(run *int64, tz string) string {
	if run == nil {
		return "never"
	}
	return show(time.UnixMilli(*run), tz)
}

func show(at time.Time, tz string) string {
	if zone, err := time.LoadLocation(tz); err == nil {
		at = at.In(zone)
	}
	return at.Format("Mon 2006-01-02 15:04:05.999 -07:00")
}
