package bullmq

import (
	"fmt"
	"strings"
)

// queueKeys are the names of the keys that a queue has beside its jobs.
var queueKeys = map[string]bool{
	"active": true, "completed": true, "delayed": true, "events": true, "failed": true, "id": true, "limiter": true,
	"marker": true, "meta": true, "paused": true, "pc": true, "prioritized": true, "priority": true, "repeat": true,
	"stalled": true, "stalled-check": true, "wait": true, "waiting-children": true,
}

// canBeJobID tells whether a key of this name in a queue could be a job's. Jobs
// live beside the queue's own keys, and an operation on one of those as if it
// were a job would damage the queue.
func canBeJobID(id string) bool {
	if id == "" || queueKeys[id] {
		return false
	}
	// Ids have no colon, or two like those of schedulers: "repeat:<id>:<time>".
	// Keys that belong to a job or a queue have one, or begin like those of metrics.
	colons := strings.Count(id, ":")
	return colons == 0 || colons == 2 && !strings.HasPrefix(id, "metrics:")
}

// checkJobID returns [ErrJobNotFound] for what cannot be the id of a job.
func checkJobID(q QueueRef, id string) error {
	if !canBeJobID(id) {
		return fmt.Errorf("job %q of queue %s: %w", id, q.Name, ErrJobNotFound)
	}
	return nil
}
