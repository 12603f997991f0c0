// Package runtime runs handlers that are not compiled in, each version of a
// source in a child process of its own.
//
// A [Loader] turns a source file into a [Host]: it bundles JavaScript and
// TypeScript, starts the language's host shim (see sdk/js and sdk/python) and
// asks it what handlers the module defines. The Host keeps one process for any
// number of jobs at once, replaces it when it crashes or must be given up, and
// ends it with its whole process group.
//
// Parent and child speak JSON-RPC 2.0, one message a line: the parent writes to
// the child's stdin and reads its stdout; stderr is the log.
//
//	parent → child  initialize {protocol, limits}        → {protocol, handlers, dependencies}
//	                execute    {handler, job}            → the job's result
//	                ping       {}                        → null
//	                cancel     {call, reason}            (notification)
//	child → parent  progress   {call, value}             (notification)
//	                log        {call, line}              (notification)
//	                retire     {reason}                  (notification: give me no further jobs)
//	                childrenValues {call}                → results by job key
//
// A call is named by the id of its execute request. The end of its stdin tells
// the child to end.
package runtime
