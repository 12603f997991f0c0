// Package interop proves the engine against its peer: npm bullmq 6 in Node
// processes, on the same queues of a real Redis server.
//
// Most tests run a scenario for every pairing of who adds the jobs and who runs
// them. The pairing of Node with Node says what is right; the others must end
// with the same jobs, events and keys.
package interop
