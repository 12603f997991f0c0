// Package runtime runs handlers that are not compiled in, each version of a
// source in child processes of its own.
//
// A [Loader] turns a source into a [Host]. It bundles JavaScript and TypeScript,
// builds Go, and asks the module what handlers it defines, unless it has asked
// the same content before. The Host of a module keeps one process for any number
// of jobs at once: it starts with the first job, is replaced when it crashes or
// must be given up, and ends with its whole process group when it has been idle
// for long. A plain executable gets a process for each job instead.
//
// # Protocol
//
// Parent and child speak JSON-RPC 2.0, one message a line: the parent writes to
// the child's stdin and reads its stdout; stderr is the log. A call is named by
// the id of its execute request. The end of its stdin tells the child to end.
//
// What the parent asks:
//
//	initialize {protocol, maxResultBytes} → {protocol, handlers, dependencies}
//	execute    {handler, job}             → the job's result
//	ping       {}                         → null
//	cancel     {call, reason}             (notification)
//
// What the child tells:
//
//	progress   {call, value}              (notification)
//	log        {call, line}               (notification)
//	retire     {reason}                   (notification: give me no further jobs)
//	dependencies {files}                  (notification: local files imported since initialize)
//
// What the child asks, while the call is open:
//
//	childrenValues {call}                 → results of completed children by job key
//	failedChildren {call}                 → reasons of ignored failures by job key
//	dependencies   {call}                 → {processed, unprocessed, ignored, failed}
//	addChildren    {call, jobs}           → [{id, queue}], all or none
//	addJobs        {call, jobs}           → [{id, queue}], all or none
//	saveState      {call, value}          → null
//	updateData     {call, value}          → null
//
// A job is {id, queue, prefix, name, data, opts, attempt, maxAttempts,
// attemptsStarted, priority, timestamp, parent?, state?}, and a job to add
// {name, data, opts?, queue?}. The error of an execute request has data {name,
// stack} and at most one of unrecoverable: true, delay: ms, waitForChildren:
// true, release: true and rateLimit: ms; none of the last four uses up an attempt.
package runtime
