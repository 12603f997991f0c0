package bullmq

import (
	"math/bits"
	"time"
)

// maxCronSteps bounds a search. The rarest days that a pattern can choose, a
// 29th of February on a given weekday, are at most 40 years apart, each of which
// takes some 40 steps.
const maxCronSteps = 4000

// Next returns the first time after from that matches, the zero time if there is
// none, as with "0 0 31 4,6 *".
//
// Where the clock is put forward, a run in an hour that is left out takes place
// in the hour after it, at the same minute. Where it is put back by an hour, the
// hour that occurs twice counts once, unless the pattern runs in every hour.
func (c *Cron) Next(from time.Time) time.Time {
	s := cronSearch{Cron: c, clock: newWallClock(c.zone, from.Unix()), owed: -1, repeated: -1}
	start := from.Unix()
	if from.Nanosecond() > 0 {
		s.advance((*wallClock).nextSecond)
		start-- // Any second that matches is after from now.
	}
	for range maxCronSteps {
		switch w := &s.clock; {
		case !has(c.months, int(w.month)):
			w.nextMonth()
		case !c.matchesDay(w):
			w.nextDay()
		case !s.matchesHour():
		case !has(c.minutes, w.minute):
			s.nextMinute()
		case !has(c.seconds, w.second):
			s.nextSecond()
		case w.unix <= start:
			s.advance((*wallClock).nextSecond)
		default:
			return time.Unix(w.unix, 0).In(c.zone)
		}
	}
	return time.Time{}
}

// matchesDay reports whether the day of the clock is one that the pattern chooses.
func (c *Cron) matchesDay(w *wallClock) bool {
	length := daysIn(w.year, w.month)
	day := has(c.days, w.day) || c.lastDay && w.day == length
	weekday := has(c.weekdays, int(w.weekday)) && (c.nth == 0 || (w.day+6)/7 == c.nth) ||
		has(c.lastWeekdays, int(w.weekday)) && w.day > length-7
	switch {
	case c.anyWeekday:
		return day
	case c.anyDay:
		return weekday
	default:
		return day || weekday
	}
}

// cronSearch is a search under way.
type cronSearch struct {
	*Cron
	clock    wallClock
	owed     int // the hour in which runs are made up for that an hour left out, or -1
	repeated int // the hour that has begun for the second time, or -1
}

// advance moves the clock and notes what a change of the offset did.
func (s *cronSearch) advance(move func(*wallClock)) {
	hour, offset := s.clock.hour, s.clock.offset
	move(&s.clock)
	w := &s.clock
	passed := (w.hour - hour + 24) % 24
	switch {
	case w.offset > offset && passed >= 2:
		s.owed = -1
		for skipped := (hour + 1) % 24; skipped != w.hour; skipped = (skipped + 1) % 24 {
			if has(s.hours, skipped) {
				s.owed = w.hour
			}
		}
	case passed == 0 && w.minute == 0 && w.second == 0 && bits.OnesCount64(s.hours) < 24:
		s.repeated = w.hour
	}
}

// matchesHour reports whether the hour of the clock is one of the pattern. If it
// isn't, the clock has moved on.
func (s *cronSearch) matchesHour() bool {
	w := &s.clock
	switch {
	case s.owed == w.hour:
		return true
	case s.repeated == w.hour:
		s.repeated = -1
		s.advance((*wallClock).nextHour)
		return false
	case has(s.hours, w.hour):
		return true
	}
	s.owed = -1
	hour := after(s.hours, w.hour)
	switch {
	case hour < 0:
		w.nextDay()
		return false
	case w.dayChangesOffset():
		// The clock may leave the hour out, or show it twice.
		for range hour - w.hour {
			if s.advance((*wallClock).nextHour); w.hour >= hour {
				break
			}
		}
	default:
		w.setHour(hour)
	}
	w.setMinute(first(s.minutes))
	w.setSecond(first(s.seconds))
	return false
}

func (s *cronSearch) nextMinute() {
	minute := after(s.minutes, s.clock.minute)
	if minute < 0 {
		s.advance((*wallClock).nextHour)
		minute = first(s.minutes)
	}
	s.clock.setMinute(minute)
	s.clock.setSecond(first(s.seconds))
}

func (s *cronSearch) nextSecond() {
	second := after(s.seconds, s.clock.second)
	if second < 0 {
		s.advance((*wallClock).nextMinute)
		second = first(s.seconds)
	}
	s.clock.setSecond(second)
}

func has(set uint64, value int) bool { return set>>value&1 == 1 }

func first(set uint64) int { return bits.TrailingZeros64(set) }

// after returns the first value of set that is greater than value, or -1.
func after(set uint64, value int) int {
	rest := set >> (value + 1) << (value + 1)
	if rest == 0 {
		return -1
	}
	return bits.TrailingZeros64(rest)
}
