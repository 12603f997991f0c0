// Package catalogue is what workers tell the rest of JobRunner about
// themselves: who they are, which queues they serve and which handlers they
// have, with the schemas that job data must meet.
//
// A [Publisher] keeps a worker's entry alive in Redis, a [Reader] lists the
// entries of all workers. An entry expires soon after its worker has gone, so
// what a Reader returns is what runs. The keys begin with "jobrunner:" and
// never touch BullMQ's own.
package catalogue
