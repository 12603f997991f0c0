package bullmq

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Cron is a parsed cron pattern in a time zone. It is safe for concurrent use.
type Cron struct {
	seconds, minutes, hours uint64 // bit n stands for the value n, in all sets
	days, months, weekdays  uint64

	lastDay      bool   // the last day of a month counts as one of days
	lastWeekdays uint64 // weekdays that count in the last seven days of a month
	nth          int    // if not zero, weekdays count in this week of a month only

	// A day of month and a weekday that are both given are alternatives. What is
	// given is told by the text: "*" is not, "1-31" is.
	anyDay, anyWeekday bool

	zone *time.Location
}

// maxCronLength is how many characters a pattern may have.
const maxCronLength = 1024

var cronNames = map[string]string{
	"@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *",
	"@weekly": "0 0 0 * * 0", "@daily": "0 0 0 * * *", "@hourly": "0 0 * * * *",
	"@minutely": "0 * * * * *", "@secondly": "* * * * * *",
	"@weekdays": "0 0 0 * * 1-5", "@weekends": "0 0 0 * * 0,6",
}

// ParseCron reads a pattern as Node BullMQ's cron-parser does. A pattern has six
// fields: second, minute, hour, day of month, month and day of week. Those left
// out at the front are "*", the second is then 0; "5" is every minute of a
// Friday. Or it is one of the names such as @daily.
//
// A field is a list of values, ranges and steps: "1,10-20,30/5". Months and
// weekdays have English names of three letters; 0 and 7 are Sunday. "?" is "*".
// "L" is the last day of the month, "5L" its last Friday, "5#2" its second. "H",
// "H(0-29)" and "H/15" are values that are drawn each time the pattern is parsed.
// A value that a list names twice is refused.
//
// If both days are given, either suffices. The zone is an IANA name, "UTC+2" or
// the like; empty stands for the zone of the process. What it refuses it refuses
// with a [ValidationError] on "pattern" or "tz".
func ParseCron(pattern, tz string) (*Cron, error) {
	zone, err := cronZone(tz)
	if err != nil {
		return nil, err
	}
	c := &Cron{zone: zone}
	if err := c.parse(pattern); err != nil {
		return nil, invalid("pattern", "invalid cron pattern %q: %v", pattern, err)
	}
	return c, nil
}

func (c *Cron) parse(pattern string) error {
	if utf8.RuneCountInString(pattern) > maxCronLength {
		return fmt.Errorf("it has more than %d characters", maxCronLength)
	}
	text := pattern
	if named, ok := cronNames[pattern]; ok {
		text = named
	}
	fields := strings.FieldsFunc(text, isCronSpace)
	if len(fields) == 0 || len(fields) > 6 {
		return errors.New("it must have 5 fields, or 6 with seconds first")
	}
	all := [6]string{"0", "*", "*", "*", "*", "*"}
	copy(all[6-len(fields):], fields)

	for i, into := range []*uint64{&c.seconds, &c.minutes, &c.hours} {
		v, err := cronClockFields[i].parse(all[i])
		if err != nil {
			return err
		}
		*into = v.set
	}
	return c.parseDays(all[3], all[4], all[5])
}

// parseDays reads the fields that choose days.
func (c *Cron) parseDays(day, month, weekday string) error {
	months, err := cronMonth.parse(month)
	if err != nil {
		return err
	}
	days, err := cronDay.parse(day)
	if err != nil {
		return err
	}
	weekdayValues, nth, err := cutNth(weekday)
	if err != nil {
		return err
	}
	weekdays, err := cronWeekday.parse(weekdayValues)
	if err != nil {
		return err
	}
	c.months, c.days, c.weekdays, c.nth = months.set, days.set, weekdays.set, nth
	c.anyDay, c.anyWeekday = isWildcard(day), isWildcard(weekday)
	c.lastDay = strings.Contains(day, "L")
	for _, last := range weekdays.last {
		if last == "L" {
			return errors.New("an L as day of week stands behind a weekday")
		}
		c.lastWeekdays |= 1 << ((last[0] - '0') % 7)
	}
	if strings.Contains(weekday, "L") {
		// This is of effect with a "#" only: "JUL#2" has an L and a weekday.
		c.lastWeekdays |= c.weekdays
	}
	if c.anyWeekday && !c.lastDay && bits.OnesCount64(c.months) == 1 {
		month := time.Month(bits.TrailingZeros64(c.months))
		if bits.TrailingZeros64(c.days) > longestMonth(month) {
			return fmt.Errorf("%s does not have such a day", month)
		}
	}
	return nil
}

// isCronSpace tells what JavaScript takes for white space.
func isCronSpace(r rune) bool {
	return r == '\uFEFF' || r != '\u0085' && unicode.IsSpace(r)
}

func isWildcard(field string) bool { return field == "*" || field == "?" }

// longestMonth returns how many days a month has in a leap year.
func longestMonth(m time.Month) int { return daysIn(2000, m) }

func daysIn(year int, m time.Month) int {
	switch {
	case m != time.February:
		return 30 + int(m+m/8)%2
	case year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	default:
		return 28
	}
}
