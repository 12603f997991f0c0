// Package turn decides when a job that a worker has taken may run, so that each
// handler keeps to the number of jobs it may run at once over all queues of the
// worker, and jobs of a busy handler do not hold up those of others.
//
// A job whose handler is busy is held: it keeps its lock, and its queue takes
// another one in its place. Held jobs of one handler come from their queues in
// turn. Only so many are held as the handler needs to stay busy; a job beyond
// that is told when to come again, spread over time at the rate at which the
// handler gets through its work. So a long backlog of one handler costs each of
// its jobs few detours, not a loop as fast as the store allows.
package turn
