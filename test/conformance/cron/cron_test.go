package cron

import (
	"encoding/json"
	"flag"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

var (
	full  = flag.Bool("full", false, "compare every pattern in every zone, not in one of them")
	count = flag.Int("patterns", 5000, "how many valid patterns are compared, and twice as many with mistakes")
	seed  = flag.Uint64("seed", 1, "what the patterns are generated from")
)

// runs is how many runs are compared around each change of a zone's clock.
const runs = 10

func TestMain(m *testing.M) { testenv.Main(m) }

func TestRunsAreThoseOfNode(t *testing.T) {
	t.Parallel()
	g := newGenerator(*seed)
	var questions []question
	for i := range *count {
		pattern := g.valid()
		for j, zone := range zones {
			if !*full && j != i%len(zones) {
				continue
			}
			for _, change := range zone.changes(t) {
				questions = append(questions, question{pattern, zone.name, g.around(change), runs})
			}
		}
	}
	compare(t, questions)
}

func TestPatternsAreAcceptedAsByNode(t *testing.T) {
	t.Parallel()
	g := newGenerator(*seed)
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	questions := make([]question, 2**count)
	for i := range questions {
		questions[i] = question{g.mutant(), "UTC", from, 1}
	}
	compare(t, questions)
}

func TestHashedPatternsAreAcceptedAsByNode(t *testing.T) {
	t.Parallel()
	var questions []question
	for _, field := range []string{
		"H", "H/5", "H/99", "H/0", "H/", "H(1-5)", "H(1-5)/2", "H(5-1)", "H(1-5)/0", "H(1-500)", "H(90-99)", "H()", "H(1)",
		"H(1-2-3)", "h", "H(*)", "(1-5)", "H(1-5", "H,H", "H(1-2),H(1-2)", "H(1-2),H(3-4)", "H-5/0", "*,H",
	} {
		for _, pattern := range []string{field + " * * * *", "0 " + field + " * * *", "0 0 " + field + " * *", "0 0 * " + field + " *", "0 0 * * " + field} {
			questions = append(questions, question{Pattern: pattern, TZ: "UTC"}) // Runs are drawn.
		}
	}
	compare(t, questions)
}

func TestZonesAreThoseOfNode(t *testing.T) {
	t.Parallel()
	text, err := exec.CommandContext(t.Context(), "node", "-p", "JSON.stringify(Intl.supportedValuesOf('timeZone'))").Output()
	require.NoError(t, err)
	var names []string
	require.NoError(t, json.Unmarshal(text, &names))
	require.Greater(t, len(names), 400)
	names = append(names,
		"", "local", "utc", "GMT", "gmt", "UTC+3", "utc-03", "UTC+5:30", "utc-5:30", "UTC+0", "UTC+25", "utc+05:3", "utc+123", "UTC+",
		"+03:00", "GMT+3", "GMT0", "Etc/GMT+3", "EST5EDT", "EST", "Zulu", "Europe/Kyiv", "Europe/Kiev", "US/Pacific",
		"Factory", "posixrules", "localtime", "right/UTC", "posix/UTC", "Etc/Unknown", " UTC", "UTC ", "Europe//Berlin",
		"Europe/Berlin/", "../UTC", "Europe", "Mars/Olympus", "Z", "\x00",
	)
	// The zone data of either side holds this spring.
	from := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	questions := make([]question, len(names))
	for i, name := range names {
		questions[i] = question{"30 2 * * SUN", name, from, runs}
	}
	compare(t, questions)
}

func TestDifferencesInWhatIsAccepted(t *testing.T) {
	t.Parallel()
	questions := make([]question, len(acceptedByNodeOnly))
	for i, d := range acceptedByNodeOnly {
		questions[i] = question{Pattern: d.pattern, TZ: d.tz, Runs: 1}
	}
	for i, a := range askNode(t, questions) {
		d := acceptedByNodeOnly[i]
		require.Empty(t, a.Error, "%q in %q is no difference any more: %s", d.pattern, d.tz, d.reason)
		_, err := bullmq.ParseCron(d.pattern, d.tz)
		require.Error(t, err, "%q in %q is no difference any more: %s", d.pattern, d.tz, d.reason)
	}
}
