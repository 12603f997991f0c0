// Package handlers tries handlers as their authors and users do: with the real
// jobrunner binary, from what docs/handlers.md says, in folders that were empty
// before, and with npm bullmq in Node as the producer of the jobs.
package handlers
