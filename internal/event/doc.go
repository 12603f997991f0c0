// Package event reads the event streams of every queue once per process and
// hands the events to any number of subscribers.
//
// A [Hub] numbers the messages it publishes and keeps the newest of them in one
// ring that all subscribers read from. A [Subscription] is a place in that ring: it
// costs no memory of its own, a slow subscriber holds nobody up, and one that falls
// off the ring's end is told how much it missed. The numbers belong to one process,
// named by [Hub.Epoch], and let a client that lost its connection go on where it was.
package event
