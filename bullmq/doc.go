// Package bullmq is a Go engine for BullMQ queues: it produces and processes
// jobs in the Redis format of the Node library of that name, version 6, so that
// Node and Go programs share queues job by job.
//
// # Concepts
//
// A [Queue] adds jobs, reads them, and steers them: pause, limits, bulk
// operations. A [Worker] processes them with a [Processor]; an error fails the
// attempt, and the job runs again as its [JobOptions] say. A [FlowProducer] adds
// trees of jobs whose parents wait for their children. [QueueEvents] follows what
// happens and waits for results. Job schedulers ([Queue.UpsertJobScheduler])
// repeat jobs by cron or at intervals. [Deduplication] keeps jobs from being added
// twice. BullMQ's own guide explains each of these; the names are the same.
//
// All of them work over a [Backend]; [OpenRedis] opens the one for Redis and
// Valkey, standalone, behind Sentinel, or in a Cluster.
//
// # Delivery
//
// Delivery is at least once. A worker holds a lock on each job it runs and
// renews it; a job whose lock expires is given back to the queue by the next
// stalled check of any worker, Node or Go. Each operation of a backend is atomic,
// or says that it goes on in chunks.
//
// # Errors
//
// What is wrong with an argument is told by a [ValidationError] before anything is
// written. What an operation meets in the store is told by sentinels such as
// [ErrJobNotFound], wrapped with the job's id. A damaged job fails, or is taken out
// of its queue and reported, and holds up no other.
//
// # Speed
//
// Producers and workers put what comes up while a call is under way into the next
// call, so that a lone job is not kept waiting and a busy queue costs the server
// little; see docs/performance.md of the repository.
package bullmq
