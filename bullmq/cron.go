package bullmq

import (
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// Cron is a parsed cron pattern in a time zone. It knows the years up to 2099
// and is safe for concurrent use.
type Cron struct {
	expr *cronexpr.Expression
	zone *time.Location
}

// ParseCron reads a pattern as Node BullMQ's cron-parser does: five fields, or
// six with seconds first, or one of the names such as @daily. The zone is an
// IANA name; empty stands for the zone of the process. What it refuses it
// refuses with a [ValidationError] on "pattern" or "tz".
func ParseCron(pattern, tz string) (*Cron, error) {
	zone := time.Local
	if tz != "" {
		var err error
		if zone, err = time.LoadLocation(tz); err != nil {
			return nil, invalid("tz", "unknown time zone %q", tz)
		}
	}
	normal, err := normalizeCron(pattern)
	if err != nil {
		return nil, err
	}
	expr, err := cronexpr.Parse(normal)
	if err != nil {
		return nil, invalid("pattern", "invalid cron pattern %q: %v", pattern, err)
	}
	return &Cron{expr: expr, zone: zone}, nil
}

// Next returns the first time after from that matches, the zero time if there is none.
func (c *Cron) Next(from time.Time) time.Time {
	expr := *c.expr // The library keeps notes in the expression as it searches.
	return expr.Next(from.In(c.zone))
}

var cronNames = map[string]string{
	"@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *",
	"@weekly": "0 0 0 * * 0", "@daily": "0 0 0 * * *", "@hourly": "0 0 * * * *",
	"@minutely": "0 * * * * *", "@secondly": "* * * * * *",
	"@weekdays": "0 0 0 * * 1-5", "@weekends": "0 0 0 * * 0,6",
}

// normalizeCron turns a pattern into the seven fields that cronexpr reads, and
// writes out what the two parsers understand differently: 7 as Sunday.
func normalizeCron(pattern string) (string, error) {
	if p, ok := cronNames[strings.ToLower(strings.TrimSpace(pattern))]; ok {
		pattern = p
	}
	fields := strings.Fields(pattern)
	switch len(fields) {
	case 5:
		fields = append([]string{"0"}, fields...)
	case 6:
	default:
		return "", invalid("pattern", "invalid cron pattern %q: it must have 5 fields, or 6 with seconds first", pattern)
	}
	for i, part := range strings.Split(fields[5], ",") {
		parts := sundayLast(part)
		if i == 0 {
			fields[5] = parts
		} else {
			fields[5] += "," + parts
		}
	}
	return strings.Join(append(fields, "*"), " "), nil
}

var weekdayRange = regexp.MustCompile(`^([0-7])-7(?:/(\d+))?$`)

// sundayLast rewrites one part of a day-of-week list in which 7 stands for Sunday.
func sundayLast(part string) string {
	if part == "7" {
		return "0"
	}
	if part == "*/7" {
		return "0"
	}
	m := weekdayRange.FindStringSubmatch(part)
	if m == nil {
		return part
	}
	step := 1
	if m[2] != "" {
		step = 0
		for _, d := range m[2] {
			step = step*10 + int(d-'0')
		}
	}
	if step == 0 {
		return part
	}
	var days []string
	for d := int(m[1][0] - '0'); d <= 7; d += step {
		days = append(days, string(rune('0'+d%7)))
	}
	return strings.Join(days, ",")
}
