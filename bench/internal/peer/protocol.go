package peer

import (
	"encoding/json"
	"time"
)

// A host reads one request a line from stdin and answers each with one line. A
// line that begins with a digit is an arrival, "<index> <due in µs>": the job is
// added at once and not answered.
type request struct {
	Command string `json:"command"`
	Batch
	Producers   int           `json:"producers,omitempty"`
	Bulk        int           `json:"bulk,omitempty"`
	Concurrency int           `json:"concurrency,omitempty"`
	Hold        time.Duration `json:"hold,omitempty"`
	Limit       Limit         `json:"limit"`
	Echo        bool          `json:"echo,omitempty"`
	Handled     int           `json:"handled,omitempty"`
	File        string        `json:"file,omitempty"`
}

type response struct {
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error,omitempty"`
}

const (
	commandAdd     = "add"     // Batch one by one from Producers at once
	commandAddBulk = "addBulk" // Batch in calls of Bulk jobs
	commandSettle  = "settle"  // wait until all arrivals have been added
	commandWork    = "work"    // start a worker for jobs 0 to Jobs-1; the handler takes Hold
	commandAwait   = "await"   // wait until Handled jobs have been handled
	commandStop    = "stop"    // end the worker; answers with a Delivery
	commandProfile = "profile" // write a CPU profile to File until the next one; none if empty
)

// Delivery says what a worker was given.
type Delivery struct {
	Handled  int `json:"handled"`
	Lost     int `json:"lost"`
	Repeated int `json:"repeated"`
	// Latencies are the times from when a job was due to the start of its
	// handler, in µs, of jobs that say when they were due.
	Latencies []int64 `json:"latencies"`
}
