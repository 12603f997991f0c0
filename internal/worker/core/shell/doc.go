// Package shell holds the core handler shell: it runs a program that the worker's
// operator allows, with arguments that the operator allows, as a list and never
// by way of a shell, so that no text in a job's data is taken for a command.
//
// Without an allowed program a worker does not have the handler at all. A program
// runs in a [sandbox]: within limits of memory, processes and files, with a
// temporary directory of its own, reading the system's programs and writing the
// directories that the operator allows, and without the network unless it was
// granted.
package shell
