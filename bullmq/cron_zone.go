package bullmq

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var fixedOffset = regexp.MustCompile(`^utc(?:([+-]\d{1,2})(?::(\d{2}))?)?$`)

// cronZone returns the zone of a schedule: an IANA name, "utc+5:30", or "" and
// "local" for the zone of the process.
func cronZone(tz string) (*time.Location, error) {
	lower := strings.ToLower(tz)
	switch lower {
	case "", "local", "system", "default":
		return time.Local, nil
	case "gmt":
		return time.UTC, nil
	}
	if m := fixedOffset.FindStringSubmatch(lower); m != nil {
		return zoneOfOffset(tz, m[1], m[2]), nil
	}
	zone, err := time.LoadLocation(tz)
	if err != nil || !isZoneName(tz) {
		return nil, invalid("tz", "unknown time zone %q", tz)
	}
	return zone, nil
}

func zoneOfOffset(name, hours, minutes string) *time.Location {
	h, _ := strconv.Atoi(hours) // Both are digits, or nothing for 0.
	m, _ := strconv.Atoi(minutes)
	if strings.HasPrefix(hours, "-") {
		m = -m
	}
	if h == 0 && m == 0 {
		return time.UTC
	}
	return time.FixedZone(name, (h*60+m)*60)
}

// isZoneName leaves out what a system's files give a meaning to and the time zone
// database does not.
func isZoneName(tz string) bool {
	switch tz {
	case "Factory", "localtime", "posixrules":
		return false
	}
	return !strings.HasPrefix(tz, "posix/") && !strings.HasPrefix(tz, "right/") && !strings.Contains(tz, "//")
}
