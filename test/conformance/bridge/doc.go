// Command bridge lets the whole Node API of BullMQ run on this engine.
//
// It serves the engine's [bullmq.Backend] on a Unix socket. The TypeScript class
// in the folder node implements BullMQ's IQueueBackend on the other end, so that
// npm bullmq's own Queue, Worker, FlowProducer and QueueEvents, and BullMQ's own
// tests, use our scripts in place of theirs.
//
// # Protocol
//
// Requests and replies are JSON objects, one a line. A request names an
// operation, the queue it is about and the client's clock, which the operation
// takes for the present time; a reply repeats the request's id.
//
//	→ {"id":7,"queue":"bull:mail","method":"promote","now":1700000000000,"params":{"jobId":"4"}}
//	← {"id":7,"result":null}
//	← {"id":7,"error":{"code":-3,"message":"promote job 4: job is not in the expected state"}}
//
// The code of an error is BullMQ's own for the same condition, 0 if it has none.
//
// The requests of one connection are carried out one after another, as a Redis
// connection does with commands: producers rely on that order. Those that wait
// for jobs or events run beside them.
package main
