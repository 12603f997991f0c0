// Package conformance proves the engine equal to npm bullmq.
//
// A [Scenario] is data: operations with frozen time and fixed ids. [Run] plays
// it on an [Engine], the library in a Node process or this project's own, and
// returns what each step answered and every key that is left in Redis. Two
// engines conform if [Diff] finds nothing between these.
//
// The scenarios are in the folder of that name. The command conformance runs
// one's own:
//
//	go run ./test/conformance/cmd/conformance diff scenario.json
package conformance
