package cron

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// generator makes patterns from a seed.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator {
	return generator{rand.New(rand.NewPCG(seed, 0))}
}

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g generator) between(low, high int) int { return low + g.IntN(high-low+1) }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// valid makes a pattern that the engine accepts.
func (g generator) valid() string {
	for {
		pattern := g.pattern()
		if _, err := bullmq.ParseCron(pattern, "UTC"); err == nil {
			return pattern
		}
	}
}

// pattern makes a pattern of any kind. Most are valid; some name a value twice,
// or a day that the month does not have.
func (g generator) pattern() string {
	switch {
	case g.chance(2):
		return pick(g, "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly", "@minutely", "@secondly", "@weekdays", "@weekends")
	case g.chance(1):
		return strings.Join([]string{g.clock(59), g.clock(23), "29", pick(g, "2", "Feb", "2,4"), "*"}, " ")
	}
	fields := []string{g.clock(59), g.hour(), g.day(), g.month(), g.weekday()}
	switch {
	case g.chance(30):
		fields = append([]string{g.clock(59)}, fields...)
	case g.chance(3):
		fields = fields[g.IntN(5):]
	}
	separator := " "
	if g.chance(3) {
		separator = pick(g, "  ", "\t", " \t ")
	}
	return strings.Join(fields, separator)
}

// clock makes a field of seconds or minutes.
func (g generator) clock(high int) string {
	switch {
	case g.chance(55):
		return fmt.Sprint(g.between(0, high))
	case g.chance(10):
		return pick(g, "*", "?", "0", "00", "5*", "*/1")
	}
	return g.list(0, high)
}

// hour prefers the hours in which clocks change.
func (g generator) hour() string {
	switch {
	case g.chance(20):
		return pick(g, "*", "*", "?", "0-23")
	case g.chance(50):
		return fmt.Sprint(g.between(0, 4))
	case g.chance(30):
		return pick(g, "0-2", "1-3", "2-4", "1,2", "2,3", "0,23", "23", "*/2", "1/2", "0-22", "1-23", "22-23", "0,2,4", "3-5/2", "1,3", "2,5")
	}
	return g.list(0, 23)
}

func (g generator) day() string {
	switch {
	case g.chance(55):
		return pick(g, "*", "*", "*", "?")
	case g.chance(20):
		return pick(g, "L", "L,15", "1,L", "28-31", "29", "30", "31", "1-31", "*/2", "1-7", "L,31", "01", "1*")
	}
	return g.list(1, 31)
}

func (g generator) month() string {
	switch {
	case g.chance(60):
		return "*"
	case g.chance(30):
		return g.words(monthNames)
	case g.chance(10):
		return pick(g, "2", "?", "*/3", "1-12", "4,6,9,11")
	}
	return g.list(1, 12)
}

func (g generator) weekday() string {
	switch {
	case g.chance(50):
		return pick(g, "*", "*", "*", "?")
	case g.chance(15):
		return fmt.Sprintf("%s#%d", pick(g, "0", "1", "3", "7", "MON", "Fri", "sun", "*", "?"), g.between(1, 5))
	case g.chance(20):
		return pick(g, "0L", "1L", "5L", "7L", "FRIL", "monL", "1,5L", "5L,0L", "0-3,6L", "JUL#2")
	case g.chance(20):
		return pick(g, "7", "0-7", "7-7", "6-7", "1,7", "0,7", "*/7", "2-7/5", "5-7,1", "0,6-7", "7/2", "1-7/3", "*/2")
	case g.chance(35):
		return g.words(weekdayNames)
	}
	return g.list(0, 7)
}

var (
	monthNames   = strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	weekdayNames = strings.Fields("SUN MON TUE WED THU FRI SAT")
)

// words makes a list or a range of names in some case.
func (g generator) words(names []string) string {
	name := func() string {
		word := pick(g, names...)
		return pick(g, word, strings.ToLower(word), word[:1]+strings.ToLower(word[1:]))
	}
	text := name()
	switch g.IntN(4) {
	case 0:
		text += "," + name()
	case 1:
		text += "-" + name()
	case 2:
		text += "-" + name() + fmt.Sprintf("/%d", g.between(1, 3))
	}
	return text
}

// list makes one to three values, ranges and steps.
func (g generator) list(low, high int) string {
	parts := make([]string, 1, 3)
	for g.chance(35) && len(parts) < 3 {
		parts = append(parts, "")
	}
	for i := range parts {
		a, b := g.between(low, high), g.between(low, high)
		a, b = min(a, b), max(a, b)
		switch g.IntN(5) {
		case 0:
			parts[i] = fmt.Sprintf("%d-%d", a, b)
		case 1:
			parts[i] = fmt.Sprintf("%d-%d/%d", a, b, g.between(1, 10))
		case 2:
			parts[i] = fmt.Sprintf("%d/%d", a, g.between(1, 20))
		case 3:
			parts[i] = fmt.Sprintf("*/%d", g.between(1, high+5))
		default:
			parts[i] = fmt.Sprint(a)
		}
	}
	return strings.Join(parts, ",")
}

// mutant makes a pattern with a few mistakes. It never has an H, with which
// chance decides what is valid: "H,5" names a value twice now and then.
func (g generator) mutant() string {
	const alphabet = "0012345677899**??,,--//LLlW##JANMONfri@. \t\u00a0\ufeff\u0085é"
	text := []rune(g.pattern())
	for range g.between(1, 3) {
		at := g.IntN(len(text) + 1)
		insert := []rune{pick(g, []rune(alphabet)...)}
		rest := text[at:]
		switch {
		case g.chance(35) && len(rest) > 0:
			rest, insert = rest[1:], nil
		case g.chance(50) && len(rest) > 0:
			rest = rest[1:]
		}
		text = append(append(append([]rune{}, text[:at]...), insert...), rest...)
	}
	if len(text) == 0 {
		return " "
	}
	return string(text)
}
