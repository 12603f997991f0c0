// Package sandbox runs programs that are not ours within limits: memory,
// processor time, open files, and the parts of the file system and the network
// that they were granted. Whatever a program starts ends with it.
//
// A [Policy] says what a program may do.
package sandbox
