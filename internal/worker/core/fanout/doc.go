// Package fanout holds the core handler fan-out: it adds a child job for each
// item of a list, or each batch of them, waits for all of them without holding a
// worker's slot, and returns their results in the items' order.
//
// What is done is never done again: the children's ids follow from the job and
// from a run that its state names, so that an attempt after a crash finds the
// children it had added, and a job that is tried again adds only those that have
// no result yet.
package fanout
