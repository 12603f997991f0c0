package bullmq

import (
	"encoding/base64"
	"strings"
)

// DefaultPrefix is the key prefix that BullMQ uses when none is given.
const DefaultPrefix = "bull"

// QueueRef identifies a queue in a store: keys begin with "<Prefix>:<Name>:".
type QueueRef struct {
	Prefix string
	Name   string
}

// String returns the qualified name "<prefix>:<name>", which parents and flows
// use to refer to a queue.
func (q QueueRef) String() string { return q.Prefix + ":" + q.Name }

// ParseQueueRef splits a qualified queue name at its last colon: a queue name
// has none, a prefix may have some.
func ParseQueueRef(qualified string) (QueueRef, bool) {
	i := strings.LastIndexByte(qualified, ':')
	if i <= 0 || i == len(qualified)-1 {
		return QueueRef{}, false
	}
	return QueueRef{Prefix: qualified[:i], Name: qualified[i+1:]}, true
}

// JobKey returns the key of the job's hash, the form in which flows store ids.
func (q QueueRef) JobKey(id string) string { return q.key(id) }

func (q QueueRef) key(suffix string) string { return q.Prefix + ":" + q.Name + ":" + suffix }

func (q QueueRef) keyPrefix() string { return q.Prefix + ":" + q.Name + ":" }

// clientName is what a blocking connection calls itself, so that CLIENT LIST
// shows which queue it serves.
func (q QueueRef) clientName(suffix string) string {
	return q.Prefix + ":" + base64.StdEncoding.EncodeToString([]byte(q.Name)) + suffix
}

func validateQueueName(name string) error {
	if name == "" {
		return invalid("queue", "Queue name must be provided")
	}
	if strings.Contains(name, ":") {
		return invalid("queue", "Queue name cannot contain :")
	}
	return nil
}
