package bullmq

import (
	"math"
	"time"
)

const (
	secondsPerHour = 60 * 60
	secondsPerDay  = 24 * secondsPerHour
)

// wallClock is a moment and what a clock on a wall of the zone shows then. It
// keeps the zone's present offset, for most moves stay within it.
type wallClock struct {
	zone                 *time.Location
	unix                 int64 // seconds
	offset               int64 // seconds east of UTC
	since, until         int64 // when offset began and ends
	year, day            int
	month                time.Month
	weekday              time.Weekday
	hour, minute, second int
}

func newWallClock(zone *time.Location, unix int64) wallClock {
	w := wallClock{zone: zone}
	w.place(unix)
	return w
}

// place sets the clock to a moment.
func (w *wallClock) place(unix int64) {
	w.lookUp(unix)
	w.unix = unix
	w.read(unix + w.offset)
}

// lookUp finds the offset at a moment.
func (w *wallClock) lookUp(unix int64) {
	if w.since <= unix && unix < w.until {
		return
	}
	t := time.Unix(unix, 0).In(w.zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	w.offset = int64(offset)
	w.since, w.until = start.Unix(), end.Unix()
	if start.IsZero() {
		w.since = math.MinInt64
	}
	if end.IsZero() {
		w.until = math.MaxInt64
	}
}

// read shows a local time, which is given as if it were one of UTC.
func (w *wallClock) read(local int64) {
	t := time.Unix(local, 0).UTC()
	w.year, w.month, w.day = t.Date()
	w.hour, w.minute, w.second = t.Clock()
	w.weekday = t.Weekday()
}

// show sets the clock to what it is to show. Of a time that occurs twice it
// takes the one with the present offset, if that is one of them; a time that is
// left out it moves on by as much as is left out.
func (w *wallClock) show(year int, month time.Month, day, hour, minute, second int) {
	local := time.Date(year, month, day, hour, minute, second, 0, time.UTC).Unix()
	present := w.offset
	w.lookUp(local - present)
	if found := w.offset; found != present {
		w.lookUp(local - found)
		if w.offset != found {
			w.place(local - min(found, w.offset))
			return
		}
	}
	w.unix = local - w.offset
	w.read(local)
}

func (w *wallClock) setHour(hour int) {
	w.show(w.year, w.month, w.day, hour, w.minute, w.second)
}

func (w *wallClock) setMinute(minute int) {
	w.show(w.year, w.month, w.day, w.hour, minute, w.second)
}

func (w *wallClock) setSecond(second int) {
	w.show(w.year, w.month, w.day, w.hour, w.minute, second)
}

// nextMonth goes to the start of the next month, by way of the same time in it:
// that decides which midnight is taken where there are two.
func (w *wallClock) nextMonth() {
	if !w.steadyFor(63) {
		year, month := w.year, w.month+1
		if month > time.December {
			year, month = year+1, time.January
		}
		w.show(year, month, min(w.day, daysIn(year, month)), w.hour, w.minute, w.second)
		w.show(w.year, w.month, 1, 0, 0, 0)
		return
	}
	rest := daysIn(w.year, w.month) - w.day + 1
	w.place(w.unix - w.secondOfDay() + int64(rest)*secondsPerDay)
}

// nextDay goes to the start of the next day, by way of the same time in it.
func (w *wallClock) nextDay() {
	if !w.steadyFor(2) {
		w.show(w.year, w.month, w.day+1, w.hour, w.minute, w.second)
		w.show(w.year, w.month, w.day, 0, 0, 0)
		return
	}
	w.place(w.unix - w.secondOfDay() + secondsPerDay)
}

// steadyFor reports whether the offset is the same from a day ago until in so
// many days, so that times can be added up.
func (w *wallClock) steadyFor(days int64) bool {
	return w.since < w.unix-secondsPerDay && w.unix+days*secondsPerDay < w.until
}

func (w *wallClock) secondOfDay() int64 {
	return int64(w.hour*secondsPerHour + w.minute*60 + w.second)
}

// nextHour goes to the start of the hour that it is in an hour. Where the clock
// is put back by less than an hour, that can be the start of the present hour;
// then it goes to what the clock would show next.
func (w *wallClock) nextHour() {
	before := *w
	w.place(w.unix + secondsPerHour)
	w.show(w.year, w.month, w.day, w.hour, 0, 0)
	if w.unix <= before.unix {
		*w = before
		w.show(w.year, w.month, w.day, w.hour+1, 0, 0)
	}
}

func (w *wallClock) nextMinute() { w.place(w.unix + 60 - int64(w.second)) }

func (w *wallClock) nextSecond() { w.place(w.unix + 1) }

// dayChangesOffset reports whether the day ends with another offset than it began.
func (w *wallClock) dayChangesOffset() bool {
	if w.steadyFor(2) {
		return false
	}
	start, end := *w, *w
	start.show(w.year, w.month, w.day, 0, 0, 0)
	end.nextDay()
	end.lookUp(end.unix - 1)
	return start.offset != end.offset
}
