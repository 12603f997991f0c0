package event

import (
	"encoding/json"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// MaxValueBytes is how much of a result, a progress value or a failure reason a
// [Message] carries. A larger JSON value is left out, a larger text is cut, and
// the message is marked as truncated; the job itself has the whole.
const MaxValueBytes = 16 << 10

// Message is one event of a queue as subscribers and live clients see it.
type Message struct {
	// Type is the event's name in BullMQ's words, such as "completed".
	Type bullmq.EventType `json:"type"`
	// Queue is the queue's name without its prefix.
	Queue string `json:"queue"`
	// JobID is empty for events of the whole queue.
	JobID string `json:"jobId,omitempty"`
	// TS is when it happened, in epoch milliseconds.
	TS int64 `json:"ts"`
	// Seq grows with every message of a process.
	Seq uint64 `json:"seq"`
	// ID is the id of the stream entry, which is unique and ordered within the queue
	// and the same in every process.
	ID string `json:"-"`

	// Name is the job's name. Only "added" has it.
	Name string `json:"name,omitempty"`
	// Prev is the state the job came from.
	Prev string `json:"prev,omitempty"`
	// Progress is the value that a "progress" event reports.
	Progress json.RawMessage `json:"progress,omitempty"`
	// ReturnValue is the result of a "completed" job.
	ReturnValue json.RawMessage `json:"returnValue,omitempty"`
	// FailedReason says why a job "failed".
	FailedReason string `json:"failedReason,omitempty"`
	// RunAt is when a "delayed" job becomes due, in epoch milliseconds.
	RunAt int64 `json:"runAt,omitempty"`
	// AttemptsMade comes with "retries-exhausted".
	AttemptsMade int64 `json:"attemptsMade,omitempty"`
	// Count is how many jobs were "cleaned".
	Count int64 `json:"count,omitempty"`
	// Truncated says that a value was too large to be carried whole.
	Truncated bool `json:"truncated,omitempty"`

	encode  sync.Once
	encoded []byte
}

// NewMessage returns the message for an event, without a number.
func NewMessage(e bullmq.Event) *Message {
	m := &Message{
		Type: e.Type, Queue: e.Queue.Name, JobID: e.JobID, TS: e.Time().UnixMilli(), ID: e.ID,
		Name: e.Fields["name"], Prev: e.Fields["prev"],
	}
	switch e.Type {
	case bullmq.EventProgress:
		m.Progress = m.value(e.Fields["data"])
	case bullmq.EventCompleted:
		m.ReturnValue = m.value(e.Fields["returnvalue"])
	case bullmq.EventFailed:
		m.FailedReason = m.text(e.Fields["failedReason"])
	case bullmq.EventDelayed:
		m.RunAt = integer(e.Fields["delay"])
	case bullmq.EventRetriesExhausted:
		m.AttemptsMade = integer(e.Fields["attemptsMade"])
	case bullmq.EventCleaned:
		m.Count = integer(e.Fields["count"])
	}
	return m
}

// JSON returns the message encoded. The text is made once, however many
// clients it is sent to, and must not be changed.
func (m *Message) JSON() []byte {
	m.encode.Do(func() {
		// Every member can be encoded: the raw values were checked when they were taken in.
		m.encoded, _ = json.Marshal(m)
	})
	return m.encoded
}

// size is about how much memory the message holds.
func (m *Message) size() int {
	const fixed = 512 // the struct, its short texts and its place in the ring
	return fixed + 2*(len(m.Progress)+len(m.ReturnValue)+len(m.FailedReason)+len(m.JobID)+len(m.Name))
}

// value takes a JSON text from an event, and nothing that is not JSON: any
// program can write to a stream.
func (m *Message) value(text string) json.RawMessage {
	if len(text) > MaxValueBytes {
		m.Truncated = true
		return nil
	}
	if !json.Valid([]byte(text)) {
		return nil
	}
	return json.RawMessage(text)
}

func (m *Message) text(s string) string {
	if len(s) <= MaxValueBytes {
		return s
	}
	m.Truncated = true
	cut := MaxValueBytes
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

func integer(text string) int64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return int64(f)
}
