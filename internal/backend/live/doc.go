// Package live sends what happens in the queues to clients while it happens:
// over a WebSocket ([Server.WebSocket]) and as server-sent events
// ([Server.Events]).
//
// A client subscribes to topics:
//
//	queue:mail      every event of the queue mail
//	job:mail/42     every event of job 42 of that queue
//	queues          events that concern whole queues, such as paused
//	stats           job counts of queues, at most once a second, when they change
//
// Queue names and job ids in a topic may be percent-encoded as in a URL path. What a
// client may subscribe to is decided by its scopes and queue patterns, and decided
// again while the connection lasts: a credential that expires or is revoked ends it
// with close code 1008.
//
// # WebSocket messages
//
// The server begins with {"type":"hello","epoch":…,"seq":…}. The client sends
//
//	{"type":"subscribe","topics":[…],"since":seq,"epoch":…}
//	{"type":"unsubscribe","topics":[…]}
//	{"type":"ping"}
//
// and is answered by subscribed, unsubscribed, pong, or error with a code. With since,
// the seq of the last message it saw, a client that was disconnected first gets what it
// missed. If that is gone, or the client reads too slowly, it is sent
// {"type":"resync"} and must load what it shows anew. Progress of one job is sent at
// most ten times a second; the newest value is never left out.
package live
