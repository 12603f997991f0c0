// Package testenv gives tests the real servers they need: one redis-server and
// one PostgreSQL cluster per test process, started on first use on a free
// loopback port with data of their own, and ended with the process.
//
// Each test gets a key prefix or a schema for itself, so that tests of one
// process run in parallel. A missing server fails the test; nothing is skipped.
package testenv
