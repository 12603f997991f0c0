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
	return object{"id": one(t, slices.Concat(places, ids)...)}
}

func activeJob(t *rapid.T) object {
	return object{"id": one(t, "{active:0}", "{active:0}", "{active:1}"), "token": "t"}
}

// strangersJob is a job that the worker may not hold.
func strangersJob(t *rapid.T) object {
	return merged(anyJob(t), object{"token": one(t, "t", "x")})
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
		one[object](t, nil, nil, object{"jobId": one(t, ids...)}),
		one[object](t, nil, nil, object{"delay": 500}, object{"delay": 20_000}, object{"priority": 3}, object{"priority": 1}, object{"delay": 500, "priority": 2}, object{"lifo": true}),
		one[object](t, nil, nil, object{"attempts": 2}, object{"attempts": 3, "backoff": 300}, object{"attempts": 3, "backoff": object{"type": "exponential", "delay": 1000}}),
		one[object](t, nil, nil, nil, object{"removeOnComplete": true, "removeOnFail": true}, object{"removeOnComplete": 1}, object{"removeOnComplete": object{"age": 30}}),
		one[object](t, nil, nil, nil, object{"keepLogs": 1}, object{"stackTraceLimit": 1}),
	)
}

func deduplication(t *rapid.T) object {
	return one[object](t, nil, nil, nil,
		object{"deduplication": object{"id": "d"}},
		object{"deduplication": object{"id": "d", "ttl": 600_000}},
		object{"deduplication": object{"id": "d", "ttl": 600_000, "extend": true, "replace": true}},
		object{"deduplication": object{"id": "d", "replace": true}},
		object{"deduplication": object{"id": "d", "ttl": 600_000, "replace": true}},
		object{"deduplication": object{"id": "d", "keepLastIfActive": true}},
		object{"deduplication": object{"id": "d", "ttl": 600_000, "reschedule": true}},
	)
}

func policy(t *rapid.T) object {
	return one[object](t, nil,
		object{"failParentOnFailure": true}, object{"continueParentOnFailure": true},
		object{"ignoreDependencyOnFailure": true}, object{"removeDependencyOnFailure": true},
	)
}

func parentOf(t *rapid.T) object {
	return object{"parent": object{
		"id":    one(t, "a", "b", "root"),
		"queue": "{prefix}:" + one(t, "q", "p"),
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
		"name": "node", "queueName": one(t, "q", "q", "p"),
		"opts": merged(jobOptions(t), policy(t), object{"jobId": id}),
	}
	var children []object
	for range index(t, depth+1) {
		children = append(children, flowNode(t, names, depth-1))
	}
	if len(children) > 0 {
		node["children"] = children
		delete(node["opts"].(object), "delay")
	}
	return node
}

// families are what random scenarios are made of, one family each. Each is without
// those meetings of operations where the engines are meant to differ: how BullMQ
// orders the parents that it releases while it removes many jobs, for one.
var families = [][]operation{
	slices.Concat(addingOperations, flowOperations, workingOperations, jobOperations, queueOperations),
	slices.Concat(addingOperations, workingOperations, jobOperations, queueOperations, removingOperations),
}

var addingOperations = []operation{
	{"add", 30, func(t *rapid.T) object {
		opts := merged(jobOptions(t), deduplication(t))
		if opts["deduplication"] != nil {
			// Both engines forget the parent of a job that is replaced.
			delete(opts, "jobId")
		}
		return object{"opts": opts, "data": object{"n": 1}}
	}},
	{"addBulk", 5, func(t *rapid.T) object {
		return object{"jobs": []object{{"opts": jobOptions(t)}, {"opts": jobOptions(t)}}}
	}},
}

// flowOperations make parents and children, and schedulers.
var flowOperations = []operation{
	{"add", 8, func(t *rapid.T) object {
		id := object{"jobId": one(t, "c", "d")}
		return object{"opts": merged(jobOptions(t), policy(t), parentOf(t), id)}
	}},
	{"addFlow", 14, func(t *rapid.T) object { return object{"flow": flow(t)} }},
	{"upsertScheduler", 4, func(t *rapid.T) object {
		return object{
			"queue":  "p",
			"id":     one(t, "s", "r"),
			"repeat": one[object](t, object{"every": 20_000}, object{"every": 20_000, "limit": 2}, object{"pattern": "*/30 * * * * *", "tz": "UTC"}),
		}
	}},
	{"removeScheduler", 1, func(t *rapid.T) object {
		return object{"id": one(t, "s", "r")}
	}},
}

var workingOperations = []operation{
	{"fetch", 30, func(*rapid.T) object { return object{"token": "t"} }},
	{"fetch", 40, func(t *rapid.T) object {
		end := one(t,
			object{"op": "complete", "value": 1},
			object{"op": "complete", "value": object{"ok": true}},
			object{"op": "fail", "error": object{"message": "no"}},
			object{"op": "fail", "error": object{"message": "no", "unrecoverable": true}},
		)
		worker := one[object](t, nil, nil, object{"worker": object{"metrics": 5, "removeOnComplete": object{"count": 2}}})
		return object{"token": "t", "then": []object{merged(end, worker, object{"id": "{active:0}", "token": "t"})}}
	}},
	{"fetch", 3, func(*rapid.T) object {
		return object{"token": "t", "worker": object{"name": "w", "limiter": object{"max": 2, "duration": 600_000}}}
	}},
	{"complete", 15, func(t *rapid.T) object {
		// The next job is fetched along only where no scheduler makes jobs, for it is
		// the worker that plans the one after.
		return merged(activeJob(t), object{"value": object{"ok": true}}, one[object](t, nil, object{"fetch": true, "queue": "q"}))
	}},
	{"complete", 2, func(t *rapid.T) object { return merged(strangersJob(t), object{"value": 1}) }},
	{"fail", 10, func(t *rapid.T) object {
		unrecoverable := index(t, 3) == 0
		return merged(activeJob(t), object{"error": object{"message": "no", "unrecoverable": unrecoverable}})
	}},
	{"moveToDelayed", 3, func(t *rapid.T) object { return merged(activeJob(t), object{"delay": 2000}) }},
	{"moveToWait", 3, activeJob},
	{"moveToWaitingChildren", 5, activeJob},
	{"redis", 4, func(t *rapid.T) object {
		refused := object{"op": one(t, "complete", "fail"), "id": "{active:0}", "token": "t", "value": 1, "error": object{"message": "no"}}
		restored := object{"op": "redis", "command": []string{"SET", "{q}{active:0}:lock", "t", "PX", "30000"}}
		return object{"command": []string{"DEL", "{q}{active:0}:lock"}, "then": []object{refused, restored}}
	}},
	{"redis", 3, func(*rapid.T) object {
		free := object{"op": "redis", "command": []string{"DEL", "{q}stalled-check"}}
		check := object{"op": "stalled"}
		return object{"command": []string{"DEL", "{q}{active:0}:lock"}, "then": []object{free, check, maps.Clone(free), maps.Clone(check)}}
	}},
	{"stalled", 2, nothing},
}

var jobOperations = []operation{
	{"retry", 5, func(t *rapid.T) object {
		state := one(t, "failed", "completed")
		return object{"id": "{" + state + ":0}", "state": state}
	}},
	{"promote", 4, anyJob},
	{"changeDelay", 3, func(t *rapid.T) object { return merged(anyJob(t), object{"delay": 9000}) }},
	{"changePriority", 5, func(t *rapid.T) object {
		return merged(anyJob(t), object{"priority": index(t, 5), "lifo": one(t, true, false)})
	}},
	{"remove", 5, func(t *rapid.T) object {
		return merged(anyJob(t), one[object](t, nil, object{"removeChildren": false}))
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
	// Paused queues have neither schedulers nor a limit on how many jobs run.
	{"pause", 1, func(*rapid.T) object { return object{"queue": "q"} }},
	{"resume", 5, func(*rapid.T) object { return object{"queue": "q"} }},
	{"counts", 3, nothing},
	{"setGlobalConcurrency", 2, func(t *rapid.T) object { return object{"queue": "p", "concurrency": one(t, 1, 2)} }},
	{"removeGlobalConcurrency", 2, nothing},
	{"setGlobalRateLimit", 1, func(t *rapid.T) object { return object{"max": one(t, 1, 3), "duration": 600_000} }},
	{"removeGlobalRateLimit", 1, nothing},
	{"rateLimit", 1, func(*rapid.T) object { return object{"duration": 600_000} }},
	{"removeRateLimit", 3, nothing},
	{"isMaxed", 1, nothing},
	{"removeOrphanedJobs", 1, nothing},
	{"deduplicationJobID", 1, func(*rapid.T) object { return object{"id": "d"} }},
	{"removeDeduplicationKey", 1, func(*rapid.T) object { return object{"id": "d"} }},
	{"schedulers", 1, nothing},
}

// removingOperations remove many jobs at once.
var removingOperations = []operation{
	{"drain", 2, func(t *rapid.T) object { return object{"delayed": one(t, true, false)} }},
	{"clean", 4, func(t *rapid.T) object {
		states := []string{"completed", "failed", "wait", "delayed", "prioritized", "active"}
		return object{"grace": one(t, 0, 1000), "state": one(t, states...)}
	}},
}
