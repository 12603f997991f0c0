// Package webhook tells other programs about events over HTTP, signed as the
// Standard Webhooks specification says.
//
// The [Service] turns events that a webhook asks for into jobs of a BullMQ queue
// of JobRunner's own, and works that queue: a delivery that fails is tried again
// with growing pauses, and each attempt is noted in SQL. Several processes may
// run a service: the message id, which is also the job's id, follows from the
// webhook and the event, so that each message is queued once. A message may still
// arrive twice, after a crash between its delivery and the end of its job;
// receivers tell by the webhook-id header.
package webhook
