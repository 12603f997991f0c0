package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// maxTopics is how many topics one client may have.
const maxTopics = 256

// command is what a client sends.
type command struct {
	Type   string   `json:"type"`
	Topics []string `json:"topics"`
	// Since is the seq of the last message the client saw; Epoch names the process
	// that numbered it.
	Since uint64 `json:"since"`
	Epoch string `json:"epoch"`

	// err says that the text was no command.
	err error
}

func decodeCommand(text []byte) command {
	var c command
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return command{err: err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return command{err: errors.New("one message holds one JSON object")}
	}
	return c
}

// frame is what the server sends beside the messages of queues.
type frame struct {
	Type   string   `json:"type"`
	Epoch  string   `json:"epoch,omitempty"`
	Seq    uint64   `json:"seq,omitempty"`
	Topics []string `json:"topics,omitempty"`
	// Code and Message say why a topic or command was refused.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// TS and Queues belong to stats.
	TS     int64        `json:"ts,omitempty"`
	Queues []queueStats `json:"queues,omitempty"`
}

// queueStats is a queue as the stats topic shows it.
type queueStats struct {
	Name   string           `json:"name"`
	Paused bool             `json:"paused"`
	Counts bullmq.JobCounts `json:"counts"`
}

func (f *frame) encode() []byte {
	text, _ := json.Marshal(f) // every member can be encoded
	return text
}

// The codes of error frames.
const (
	codeBadMessage    = "bad_message"
	codeInvalidTopic  = "invalid_topic"
	codeForbidden     = "forbidden"
	codeTooManyTopics = "too_many_topics"
)
