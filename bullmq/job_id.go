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
	// Schedulers name their jobs "repeat:<scheduler's id>:<time>", and Node's
	// scheduler ids may have colons.
	if rest, ok := strings.CutPrefix(id, "repeat:"); ok {
		at := rest[strings.LastIndexByte(rest, ':')+1:]
		return len(at) < len(rest) && strings.Trim(at, "0123456789") == "" && at != ""
	}
	// Other ids have no colon, or two.
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
