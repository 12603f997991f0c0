// Package worker runs jobs: it serves several queues at once, and a job's name
// chooses the handler that runs it.
//
// A [Supervisor] puts the parts together: the registry of handlers, the loader
// and watcher that bring them from files, one engine worker for each queue, and
// the entry in the catalogue that tells the rest of JobRunner about all that.
// It needs Redis and nothing else.
package worker
