package conformance

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/test/conformance/dump"
)

func isMeta(key string) bool { return key == "meta" || strings.HasSuffix(key, ":meta") }

// normalResult puts an answer into the form in which engines are compared.
func normalResult(a Answer) any {
	switch a.Op {
	case "moveToWait":
		return nil // the time that a worker sleeps, to Node
	case "setGlobalConcurrency", "setGlobalRateLimit", "removeGlobalConcurrency", "removeGlobalRateLimit", "removeRateLimit":
		return nil // Node answers with what Redis said
	case "publishEvent", "rateLimit":
		return nil
	case "rateLimitTTL":
		ms, _ := a.Result.(float64)
		if ms <= 0 {
			return nil // Node shows Redis' -1 and -2 as well
		}
		return dump.TTLClass(int64(ms))
	case "clean":
		if ids, ok := a.Result.([]any); ok {
			sortTexts(ids)
		}
	case "dependencies":
		if parts, ok := a.Result.(map[string]any); ok {
			for name, part := range parts {
				if isEmpty(part) {
					delete(parts, name)
				}
			}
		}
	case "getFlow":
		sortChildren(a.Result)
	case "meta":
		if meta, ok := a.Result.(map[string]any); ok {
			delete(meta, "version")
			delete(meta, "maxLenEvents")
		}
	}
	return normalView(a.Result)
}

// normalView leaves out what says no more than its absence in the views of jobs
// and schedulers, anywhere inside of v, and sorts what has no order.
func normalView(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = normalView(v[i])
		}
	case map[string]any:
		for name := range v {
			if name != "data" && name != "returnvalue" {
				v[name] = normalView(v[name])
			}
		}
		normalMembers(v)
	}
	return v
}

func normalMembers(v map[string]any) {
	if _, isJob := v["attemptsStarted"]; isJob {
		normalJob(v)
	}
	if _, isScheduler := v["iterationCount"]; isScheduler {
		normalScheduler(v)
	}
	for _, name := range []string{"unprocessed", "failed"} {
		if list, ok := v[name].([]any); ok {
			sortTexts(list)
		}
	}
}

func normalJob(job map[string]any) {
	if opts, ok := job["opts"].(map[string]any); ok {
		normalOptions(opts)
	}
	if traces, ok := job["stacktrace"].([]any); ok {
		for i := range traces {
			traces[i], _, _ = strings.Cut(text(traces[i]), "\n    at ")
		}
	}
	// A child's policies are repeated as flags in the member parent of Node's jobs.
	delete(job, "parent")
	for name, value := range job {
		if name != "data" && isEmpty(value) {
			delete(job, name)
		}
	}
}

func normalScheduler(s map[string]any) {
	if template, ok := s["template"].(map[string]any); ok {
		if opts, ok := template["opts"].(map[string]any); ok {
			normalOptions(opts)
		}
		for name, value := range template {
			if isEmpty(value) {
				delete(template, name)
			}
		}
	}
	for name, value := range s {
		if isEmpty(value) {
			delete(s, name)
		}
	}
}

func normalOptions(opts map[string]any) {
	dump.NormalOptions(opts)
	delete(opts, "repeatJobKey") // Node moves it to the job.
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case float64:
		return v == 0
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}

// sortChildren puts the nodes of a tree in order, which Redis' sets do not have.
func sortChildren(node any) {
	tree, _ := node.(map[string]any)
	children, _ := tree["children"].([]any)
	key := func(child any) string {
		node, _ := child.(map[string]any)
		job, _ := node["job"].(map[string]any)
		return text(job["id"])
	}
	slices.SortStableFunc(children, func(a, b any) int { return strings.Compare(key(a), key(b)) })
	for _, child := range children {
		sortChildren(child)
	}
}

func sortTexts(list []any) {
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// plain is v as JSON decodes it.
func plain(v any) (any, error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var p any
	return p, json.Unmarshal(encoded, &p)
}
