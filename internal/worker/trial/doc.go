// Package trial runs handlers for their authors: without a queue and without
// Redis, but with the loader, the registry and the child processes of a worker.
//
// A [Library] holds the handlers of files and folders, and what is wrong with
// those that do not load. [Library.Run] runs one attempt of a made-up job and
// reports what happens, as it happens, in [Event]s. What a handler asks of its
// queue is answered from memory: children and jobs it adds are only reported.
package trial
