package bullmq

import (
	"encoding/json"
	"strconv"
	"time"
)

// RepeatOptions is the clock of a job scheduler: a cron pattern or an interval.
type RepeatOptions struct {
	// Pattern is a cron expression of five or six fields, seconds first if six.
	Pattern string
	// Every is the interval between runs, in whole milliseconds.
	Every time.Duration
	// TZ is the IANA name of the zone that Pattern is read in. Empty means the
	// zone of the process.
	TZ string
	// Limit is how many runs there are in all. 0 means no limit.
	Limit int
	// StartDate is the earliest time of a run.
	StartDate time.Time
	// EndDate is the latest time of a run.
	EndDate time.Time
	// Immediately makes the first run of a Pattern now.
	Immediately bool
	// Offset shifts the runs of Every from the multiples of the interval.
	Offset time.Duration
	// Count is how many runs there have been. It is written by schedulers only.
	Count int
}

type repeatJSON struct {
	Pattern     string   `json:"pattern,omitempty"`
	Every       float64  `json:"every,omitempty"`
	TZ          string   `json:"tz,omitempty"`
	Limit       int      `json:"limit,omitempty"`
	StartDate   jsonTime `json:"startDate,omitzero"`
	EndDate     jsonTime `json:"endDate,omitzero"`
	Immediately bool     `json:"immediately,omitempty"`
	Offset      float64  `json:"offset,omitempty"`
	Count       int      `json:"count,omitempty"`
}

// MarshalJSON writes BullMQ's form, with times in milliseconds.
func (r RepeatOptions) MarshalJSON() ([]byte, error) {
	return json.Marshal(repeatJSON{
		r.Pattern, float64(r.Every.Milliseconds()), r.TZ, r.Limit,
		jsonTime{r.StartDate},
		jsonTime{r.EndDate},
		r.Immediately, float64(r.Offset.Milliseconds()), r.Count,
	})
}

// UnmarshalJSON reads BullMQ's form; dates may be milliseconds or ISO 8601 text.
func (r *RepeatOptions) UnmarshalJSON(text []byte) error {
	var v repeatJSON
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*r = RepeatOptions{
		v.Pattern, millis(v.Every), v.TZ, v.Limit, v.StartDate.Time, v.EndDate.Time,
		v.Immediately, millis(v.Offset), v.Count,
	}
	return nil
}

// jsonTime is a time that JSON has as epoch milliseconds or ISO 8601 text.
type jsonTime struct{ time.Time }

func (t jsonTime) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

func (t *jsonTime) UnmarshalJSON(text []byte) error {
	var ms float64
	if err := json.Unmarshal(text, &ms); err == nil {
		t.Time = time.UnixMilli(int64(ms))
		return nil
	}
	return json.Unmarshal(text, &t.Time)
}
