// Package bullmq is a Go engine for BullMQ queues: it produces and processes
// jobs in the Redis format of the Node library of that name, version 6, so that
// Node and Go programs share queues job by job.
//
// A [Queue] adds and inspects jobs, a [Worker] processes them, a [FlowProducer]
// adds trees of jobs whose parents wait for their children, [QueueEvents]
// follows what happens, and job schedulers ([Queue.UpsertJobScheduler]) repeat
// jobs on a clock. All of them work over a [Backend]; [OpenRedis] opens the one
// for Redis and Valkey.
//
// Delivery is at least once. A worker holds a lock on each job it runs and
// renews it; a job whose lock expires is given back to the queue by the next
// stalled check of any worker, Node or Go.
package bullmq
