package conformance_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// deviation is a difference from npm bullmq that is meant.
type deviation struct {
	// scenarios matches the names, "<file>/<name>", of those where it shows.
	scenarios *regexp.Regexp
	// differs matches the paths that may differ there.
	differs *regexp.Regexp
	// reason says what the two engines do and why this one does not follow.
	reason string
}

func deviate(scenarios, differs, reason string) deviation {
	return deviation{regexp.MustCompile(`^(?:` + scenarios + `)$`), regexp.MustCompile(`^(?:` + differs + `)`), reason}
}

// deviations are all the differences that are meant. What is not listed must be equal.
var deviations = []deviation{
	// Errors of the library that are not copied.
	deviate(`many/all that are delayed, now(, in small steps)?(, last in, first out|, with priorities)?(, in a .* queue)?`,
		`answers.*/(delay|waiting|prioritized)$|answers.*result$|keys/q:(pc|prioritized|wait)|keys/q:\d+/value/delay`,
		"promoteJobs of BullMQ puts prioritized jobs among those without a priority and leaves the delay in the job"),
	deviate(`many/all that failed, again, .*with priorities.*`,
		`answers.*/(waiting|prioritized)$|answers.*result$|keys/q:(pc|prioritized|wait)`,
		"retryJobs of BullMQ puts prioritized jobs among those without a priority"),
	deviate(`schedulers/changed, every minute, while the queue is paused, .*`,
		`answers|keys/q:`,
		"BullMQ 6 looks for the planned run of a paused queue in the list of version 5, misses it, and plans a second one"),
	deviate(`cleaning/obliterated, a queue, of active jobs`,
		`answers|keys/q:(events|marker|meta)`,
		"BullMQ pauses a queue before it refuses to obliterate it for its active jobs, and leaves it paused"),
	deviate(`cleaning/obliterated with what BullMQ leaves`,
		`keys/q:(limiter|parent|waiting-children|de:d|dn:d)`,
		"BullMQ leaves parents that wait for children, the limiter and deduplication keys behind when it obliterates a queue"),
	deviate(`cleaning/freed of orphans, whose ids are those of markers`,
		`answers|keys/q:1$`,
		"BullMQ takes a job with the id 1 or 0 for one that is in a state, because members of the marker are called so"),
	deviate(`limits/a counter without an end`,
		`answers|keys/q:limiter`,
		"BullMQ never leaves a rate limit whose counter has lost its time to live"),
	deviate(`finishing/what is kept of, .*those of 5 s, one at a time`,
		`answers|keys/q:(1|2|completed|failed)`,
		"with a limit, BullMQ removes the newest of the jobs that are too old, not the oldest"),

	deviate(`random/a job that is replaced had got a parent`,
		`answers|keys/p:b:dependencies|keys/q:`,
		"BullMQ leaves a job that deduplication has replaced among those that its parent waits for, for ever"),
	deviate(`random/a delayed parent fails with another child`,
		`keys/p:events/value\[\d+\]/prev`,
		"the event of a delayed parent that a child fails says that it was delayed; BullMQ says that it waited for children"),

	// Orders that mean nothing.
	deviate(`random/an evicted child releases its parent before the finish is told`,
		`keys/q:events/value`,
		"a finish is told before what the removal of older jobs brings about, not after"),
	deviate(`random/draining children of several parents`,
		`keys/p:wait`,
		"where many jobs are removed, parents are released in the order of the oldest job first"),
	deviate(`random/a full queue is resumed`,
		`keys/q:marker`,
		"a queue that is resumed wakes no worker while as many jobs run as may"),

	// Damage: BullMQ goes on with what is left, this engine sets it aside.
	deviate(`stalled/two checks, that is gone, with a priority|schedulers/changed, every minute, when its job was removed, .*`,
		`answers|keys/q:(1|active|events|repeat:s:1700000000000)`,
		"an id without a job is dropped and reported; BullMQ makes an empty job of it"),
	deviate(`finishing/the end of a job that is not held, failure, not in active`,
		`keys/q:1/value/(failedReason|stacktrace)`,
		"a failure that is refused leaves nothing in the job; BullMQ has written its reason by then"),
	deviate(`damage/a scheduler, (without its record|of an older version)`,
		`answers|keys/q:(id|delayed|events|marker|repeat)`,
		"a record that no scheduler of this version wrote is left alone; BullMQ completes it in part, and without a record never gives the job out"),
	deviate(`damage/a job with, the long name of its attempts`,
		`keys/q:(1/value/atm|events)`,
		"attempts under their long name are counted on; BullMQ begins to count anew"),

	// Version 5 on the same queue.
	deviate(`fetching/from, a queue paused by version 5(, named)?|pausing/a queue that version 5 paused, (is cleaned|loses a job|shows a job's state), with a job since`,
		`answers|keys/q:(4|events|paused|wait)`,
		"jobs that version 5 has set apart count as waiting, and more join them there, for its resume would lose others"),

	// The interface of Go.
	deviate(`states/of a job that is, (promote|removal|removal without children|removal of children|removal of its deduplication key), missing|flows/the last child leaves by removal, by removal of all that wait, .*in one queue`,
		`answers\[\d+\]/(error|result)$`,
		"every operation on a missing job says that it was not found; BullMQ is silent or says something else"),
	deviate(`states/of a job that is, removal of its link to its parent, (waiting.*|delayed.*|prioritized|active.*|completed|failed.*|deduplicated)`,
		`answers\[\d+\]/(error|result)$`,
		"a job without a parent has no link to remove; BullMQ says that the parent is missing"),
	deviate(`adding/a bulk, with a missing parent`,
		`answers\[0\]`,
		"a bulk says which of its jobs were not added; BullMQ gives them the id -5"),
	deviate(`adding/the queue's default options, .*overridden`,
		`answers|keys/q:(1|delayed|events|marker|prioritized|wait|pc)`,
		"zero is the same as not given, so it does not override a default"),
	deviate(`adding/a bulk, with two refused ones|validation/refused, two mistakes`,
		`answers\[0\]/error`,
		"a number is checked when its JSON is read, before the other options"),
	deviate(`adding/a job and its run, a delay of part of a millisecond|failing/attempts, after part of a millisecond.*`,
		`answers|keys/q:`,
		"delays are whole milliseconds"),
	deviate(`validation/a flow refused, a queue name with a colon`,
		`answers|keys/a:b:`,
		"a queue name with a colon is refused in flows as well; its keys would be another queue's"),
	deviate(`failing/retries that fetch the next job, later, waiting`,
		`keys/q:marker`,
		"the marker of a delayed job is set even if the next job was fetched: a wake too many, never one too few"),
}

// deviationOf returns what is meant to differ in a scenario, or nil.
func deviationOf(scenario string) *deviation {
	for i := range deviations {
		if deviations[i].scenarios.MatchString(scenario) {
			return &deviations[i]
		}
	}
	return nil
}

func requireAllDeviationsInUse(t *testing.T, scenarios map[string]bool) {
	t.Helper()
	used := map[*deviation]bool{}
	for name := range scenarios {
		used[deviationOf(name)] = true
	}
	for i := range deviations {
		require.True(t, used[&deviations[i]], "no scenario shows: %s", deviations[i].reason)
	}
}

func TestTheDocumentationListsEveryDeviation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/conformance.md")
	require.NoError(t, err)
	for _, d := range deviations {
		require.Contains(t, string(text), "\n- "+d.reason+"\n")
	}
}
