package conformance_test

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

func nothing(*rapid.T) object { return object{} }

// ids are the custom ids of random scenarios; few, so that they meet.
var ids = []string{"a", "b", "c", "d"}

// places are where random scenarios look for a job of no matter which id.
var places = []string{
	"{wait:0}", "{active:0}", "{active:1}", "{delayed:0}", "{prioritized:0}", "{completed:0}", "{failed:0}", "{waiting-children:0}",
}

func anyJob(t *rapid.T) object {
	return object{"id": rapid.SampledFrom(slices.Concat(places, ids)).Draw(t, "job")}
}

func activeJob(t *rapid.T) object {
	return object{"id": rapid.SampledFrom([]string{"{active:0}", "{active:0}", "{active:1}"}).Draw(t, "job"), "token": "t"}
}

// strangersJob is a job that the worker may not hold.
func strangersJob(t *rapid.T) object {
	return merged(anyJob(t), object{"token": rapid.SampledFrom([]string{"t", "x"}).Draw(t, "token")})
}

// one draws one of the objects, which may be nil.
func one(t *rapid.T, label string, choices ...object) object {
	return rapid.SampledFrom(choices).Draw(t, label)
}

func merged(objects ...object) object {
	all := object{}
	for _, o := range objects {
		maps.Copy(all, o)
	}
	return all
}

func jobOptions(t *rapid.T) object {
	return merged(
		one(t, "id", nil, nil, object{"jobId": rapid.SampledFrom(ids).Draw(t, "jobId")}),
		one(t, "place", nil, nil, object{"delay": 500}, object{"delay": 20_000}, object{"priority": 3}, object{"priority": 1}, object{"delay": 500, "priority": 2}, object{"lifo": true}),
		one(t, "attempts", nil, nil, object{"attempts": 2}, object{"attempts": 3, "backoff": 300}, object{"attempts": 3, "backoff": object{"type": "exponential", "delay": 1000}}),
		one(t, "keep", nil, nil, nil, object{"removeOnComplete": true, "removeOnFail": true}, object{"removeOnComplete": 1, "removeOnFail": 1}, object{"removeOnComplete": object{"age": 30}}),
		one(t, "limits", nil, nil, nil, object{"keepLogs": 1}, object{"stackTraceLimit": 1}),
	)
}

func deduplication(t *rapid.T) object {
	return one(t, "deduplication", nil, nil, nil,
		object{"deduplication": object{"id": "d"}},
		object{"deduplication": object{"id": "d", "ttl": 600_000}},
		object{"deduplication": object{"id": "d", "ttl": 600_000, "extend": true, "replace": true}},
		object{"deduplication": object{"id": "d", "replace": true}},
		object{"deduplication": object{"id": "d", "keepLastIfActive": true}},
		object{"deduplication": object{"id": "d", "ttl": 600_000, "reschedule": true}},
	)
}

func policy(t *rapid.T) object {
	return one(t, "policy", nil,
		object{"failParentOnFailure": true}, object{"continueParentOnFailure": true},
		object{"ignoreDependencyOnFailure": true}, object{"removeDependencyOnFailure": true},
	)
}

func parentOf(t *rapid.T) object {
	return object{"parent": object{
		"id":    rapid.SampledFrom([]string{"a", "b", "root"}).Draw(t, "parent"),
		"queue": "{prefix}:" + rapid.SampledFrom([]string{"q", "p"}).Draw(t, "parent's queue"),
	}}
}

// flow draws a tree whose nodes have ids that its other nodes have not.
func flow(t *rapid.T) object {
	names := rapid.Permutation([]string{"a", "b", "root", "kid", "leaf", "twig", "bud"}).Draw(t, "nodes")
	return flowNode(t, &names, 2)
}

func flowNode(t *rapid.T, names *[]string, depth int) object {
	id := (*names)[0]
	*names = (*names)[1:]
	node := object{
		"name": "node", "queueName": rapid.SampledFrom([]string{"q", "q", "p"}).Draw(t, "node's queue"),
		"opts": merged(jobOptions(t), policy(t), object{"jobId": id}),
	}
	var children []object
	for range rapid.IntRange(0, depth).Draw(t, "children") {
		children = append(children, flowNode(t, names, depth-1))
	}
	if len(children) > 0 {
		node["children"] = children
	}
	return node
}

// allOperations are what random scenarios are made of. Those whose result upstream
// gets wrong, and this engine right, are left out (see deviations).
var allOperations = slices.Concat(addingOperations, workingOperations, jobOperations, queueOperations)

var addingOperations = []operation{
	{"add", 30, func(t *rapid.T) object {
		return object{"opts": merged(jobOptions(t), deduplication(t)), "data": object{"n": 1}}
	}},
	{"add", 8, func(t *rapid.T) object {
		id := object{"jobId": rapid.SampledFrom([]string{"c", "d"}).Draw(t, "child")}
		return object{"opts": merged(jobOptions(t), policy(t), parentOf(t), id)}
	}},
	{"addBulk", 5, func(t *rapid.T) object {
		return object{"jobs": []object{{"opts": jobOptions(t)}, {"opts": jobOptions(t)}}}
	}},
	{"addFlow", 14, func(t *rapid.T) object { return object{"flow": flow(t)} }},
	{"upsertScheduler", 4, func(t *rapid.T) object {
		return object{
			"queue":  "p",
			"id":     rapid.SampledFrom([]string{"s", "r"}).Draw(t, "scheduler"),
			"repeat": one(t, "repeat", object{"every": 20_000}, object{"every": 20_000, "limit": 2}, object{"pattern": "*/30 * * * * *", "tz": "UTC"}),
		}
	}},
	{"removeScheduler", 1, func(t *rapid.T) object {
		return object{"id": rapid.SampledFrom([]string{"s", "r"}).Draw(t, "scheduler")}
	}},
}

var workingOperations = []operation{
	{"fetch", 45, func(*rapid.T) object { return object{"token": "t"} }},
	{"complete", 25, func(t *rapid.T) object {
		// The next job is fetched along only where no scheduler makes jobs, for it is
		// the worker that plans the one after.
		return merged(activeJob(t), object{"value": object{"ok": true}}, one(t, "fetch", nil, object{"fetch": true, "queue": "q"}))
	}},
	{"complete", 2, func(t *rapid.T) object { return merged(strangersJob(t), object{"value": 1}) }},
	{"fail", 25, func(t *rapid.T) object {
		unrecoverable := rapid.IntRange(0, 2).Draw(t, "unrecoverable") == 0
		return merged(activeJob(t), object{"error": object{"message": "no", "unrecoverable": unrecoverable}})
	}},
	{"moveToDelayed", 3, func(t *rapid.T) object { return merged(activeJob(t), object{"delay": 2000}) }},
	{"moveToWait", 3, activeJob},
	{"moveToWaitingChildren", 5, activeJob},
	{"redis", 4, func(*rapid.T) object { return object{"command": []string{"DEL", "{q}{active:0}:lock"}} }},
	{"redis", 3, func(*rapid.T) object { return object{"command": []string{"DEL", "{q}stalled-check"}} }},
	{"stalled", 6, nothing},
}

var jobOperations = []operation{
	{"retry", 5, func(t *rapid.T) object {
		state := rapid.SampledFrom([]string{"failed", "completed"}).Draw(t, "state")
		return object{"id": "{" + state + ":0}", "state": state}
	}},
	{"promote", 4, anyJob},
	{"changeDelay", 3, func(t *rapid.T) object { return merged(anyJob(t), object{"delay": 9000}) }},
	{"changePriority", 5, func(t *rapid.T) object {
		return merged(anyJob(t), object{"priority": rapid.IntRange(0, 4).Draw(t, "priority"), "lifo": rapid.Bool().Draw(t, "lifo")})
	}},
	{"remove", 5, func(t *rapid.T) object {
		return merged(anyJob(t), one(t, "children", nil, object{"removeChildren": false}))
	}},
	{"removeChildDependency", 2, anyJob},
	{"removeUnprocessedChildren", 2, anyJob},
	{"removeJobDeduplicationKey", 1, anyJob},
	{"updateData", 1, func(t *rapid.T) object { return merged(anyJob(t), object{"data": object{"new": 1}}) }},
	{"updateProgress", 1, func(t *rapid.T) object { return merged(anyJob(t), object{"progress": 50}) }},
	{"log", 2, func(t *rapid.T) object { return merged(anyJob(t), object{"line": "line"}) }},
	{"job", 2, anyJob},
	{"state", 2, anyJob},
	{"dependencies", 2, anyJob},
}

var queueOperations = []operation{
	{"pause", 2, nothing},
	{"resume", 5, nothing},
	{"counts", 3, nothing},
	{"drain", 2, func(t *rapid.T) object { return object{"delayed": rapid.Bool().Draw(t, "delayed")} }},
	{"clean", 4, func(t *rapid.T) object {
		states := []string{"completed", "failed", "wait", "delayed", "prioritized", "active"}
		return object{"grace": rapid.SampledFrom([]int{0, 1000}).Draw(t, "grace"), "state": rapid.SampledFrom(states).Draw(t, "state")}
	}},
	{"deduplicationJobID", 1, func(*rapid.T) object { return object{"id": "d"} }},
	{"removeDeduplicationKey", 1, func(*rapid.T) object { return object{"id": "d"} }},
	{"schedulers", 1, nothing},
}
