package api

import "strings"

// notJobs are the names of keys that a queue has beside its jobs.
var notJobs = map[string]bool{
	"active": true, "completed": true, "delayed": true, "events": true, "failed": true, "id": true, "limiter": true,
	"marker": true, "meta": true, "paused": true, "pc": true, "prioritized": true, "priority": true, "repeat": true,
	"stalled": true, "stalled-check": true, "wait": true, "waiting-children": true,
}

// canBeJobID tells whether a key of this name in a queue could be a job's. A job
// lives under its id beside the queue's own keys, and an operation on one of
// those as if it were a job would damage the queue.
func canBeJobID(id string) bool {
	if id == "" || notJobs[id] {
		return false
	}
	// Ids have no colon, or two like those of schedules: "repeat:<id>:<time>".
	// Keys that belong to a job or a queue have one, or begin like those of metrics.
	colons := strings.Count(id, ":")
	return colons == 0 || colons == 2 && !strings.HasPrefix(id, "metrics:")
}
