package bullmq

import (
	"encoding/json"
	"time"
)

// Deduplication says what becomes of a job while another one has its
// deduplication id (wire facts §3.9). Without further options the job is not
// added until the other one has finished.
type Deduplication struct {
	// ID is what jobs are compared by.
	ID string
	// TTL holds the id for this long, in whole milliseconds, whatever becomes of the
	// job that has it. 0 holds it until that job has finished.
	TTL time.Duration
	// Extend begins the TTL anew with each job that is not added.
	Extend bool
	// Replace adds the job in place of the other one while that is delayed.
	Replace bool
	// Reschedule gives the other one, while it is delayed, this job's delay.
	Reschedule bool
	// KeepLastIfActive keeps the last job that was not added while the other one was
	// active, and adds it when that has finished. The TTL has no meaning then.
	KeepLastIfActive bool
}

type deduplicationJSON struct {
	ID               string  `json:"id"`
	TTL              float64 `json:"ttl,omitempty"`
	Extend           bool    `json:"extend,omitempty"`
	Replace          bool    `json:"replace,omitempty"`
	Reschedule       bool    `json:"reschedule,omitempty"`
	KeepLastIfActive bool    `json:"keepLastIfActive,omitempty"`
}

// MarshalJSON writes BullMQ's form, with the TTL in milliseconds.
func (d Deduplication) MarshalJSON() ([]byte, error) {
	return json.Marshal(deduplicationJSON{
		d.ID, float64(d.TTL.Milliseconds()), d.Extend, d.Replace, d.Reschedule, d.KeepLastIfActive,
	})
}

// UnmarshalJSON reads BullMQ's form.
func (d *Deduplication) UnmarshalJSON(text []byte) error {
	var v deduplicationJSON
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*d = Deduplication{v.ID, millis(v.TTL), v.Extend, v.Replace, v.Reschedule, v.KeepLastIfActive}
	return nil
}

// validate refuses what BullMQ refuses.
func (d *Deduplication) validate(parent *ParentRef) error {
	switch {
	case d == nil:
		return nil
	case d.ID == "":
		return invalid("deduplication", "Deduplication id must be provided")
	case parent != nil:
		return invalid("deduplication", "Deduplication and parent options cannot be used together")
	case d.TTL < 0:
		return invalid("deduplication", "Deduplication ttl should not be negative")
	}
	return nil
}
