package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/event"
)

// eventNames are the events a webhook can ask for, by their name in BullMQ.
var eventNames = map[bullmq.EventType]string{
	bullmq.EventAdded:     "job.added",
	bullmq.EventActive:    "job.active",
	bullmq.EventProgress:  "job.progress",
	bullmq.EventCompleted: "job.completed",
	bullmq.EventFailed:    "job.failed",
	bullmq.EventDelayed:   "job.delayed",
	bullmq.EventStalled:   "job.stalled",
	bullmq.EventRemoved:   "job.removed",
	bullmq.EventPaused:    "queue.paused",
	bullmq.EventResumed:   "queue.resumed",
	bullmq.EventDrained:   "queue.drained",
}

// Events lists the names of the events a webhook can ask for, sorted.
func Events() []string {
	names := make([]string, 0, len(eventNames))
	for _, name := range eventNames {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Payload is the body of a delivery.
type Payload struct {
	// Type is one of [Events].
	Type string `json:"type"`
	// Timestamp is when the event happened.
	Timestamp time.Time `json:"timestamp"`
	Data      Data      `json:"data"`
}

// Data is what a payload says about an event.
type Data struct {
	Queue        string          `json:"queue"`
	JobID        string          `json:"jobId,omitempty"`
	Name         string          `json:"name,omitempty"`
	Progress     json.RawMessage `json:"progress,omitempty"`
	ReturnValue  json.RawMessage `json:"returnValue,omitempty"`
	FailedReason string          `json:"failedReason,omitempty"`
	// RunAt is when a delayed job becomes due.
	RunAt *time.Time `json:"runAt,omitempty"`
}

// message is a delivery as it waits in the queue.
type message struct {
	WebhookID string  `json:"webhookId"`
	Payload   Payload `json:"payload"`
	// Truncated says that a value was too large for the event and has to be read
	// from the job.
	Truncated bool `json:"truncated,omitempty"`
}

func newMessage(webhookID string, m *event.Message) message {
	out := message{WebhookID: webhookID, Truncated: m.Truncated, Payload: Payload{
		Type: eventNames[m.Type], Timestamp: time.UnixMilli(m.TS).UTC(),
		Data: Data{
			Queue: m.Queue, JobID: m.JobID, Name: m.Name,
			Progress: m.Progress, ReturnValue: m.ReturnValue, FailedReason: m.FailedReason,
		},
	}}
	if m.RunAt != 0 {
		at := time.UnixMilli(m.RunAt).UTC()
		out.Payload.Data.RunAt = &at
	}
	return out
}

// messageID is the same in every process that sees the event.
func messageID(webhookID string, m *event.Message) string {
	sum := sha256.Sum256([]byte(webhookID + "\n" + m.Queue + "\n" + m.ID))
	return "msg_" + hex.EncodeToString(sum[:16])
}
