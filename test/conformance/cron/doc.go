// Package cron proves the engine's cron patterns against those of npm bullmq:
// patterns and zones must be accepted and refused alike, and generated patterns
// must have the same runs around the days on which the clocks of a zone change.
//
// Each of the patterns is compared in one of the zones, or, which takes minutes,
// in all of them:
//
//	go test ./test/conformance/cron -full -seed 2
package cron
