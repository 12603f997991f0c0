package conformance_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/test/conformance"
	"github.com/jobrunner-dev/jobrunner/test/conformance/dump"
)

// stateKeys are the keys that hold the ids of a queue's jobs.
var stateKeys = []string{
	"wait", "paused", "active", "delayed", "prioritized", "waiting-children", "completed", "failed",
}

// checkInvariants says what is wrong with queues that any engine may have left
// this way, between any two operations.
func checkInvariants(_ conformance.Step, keys dump.Keyspace) error {
	queues := map[string]bool{}
	for key := range keys {
		queue, _, _ := strings.Cut(key, ":")
		queues[queue] = true
	}
	for _, queue := range slices.Sorted(maps.Keys(queues)) {
		q := queueView{name: queue, keys: keys}
		for _, check := range []func() error{q.jobsAreInOneState, q.parentsGoOn, q.waitingWorkersWake} {
			if err := check(); err != nil {
				return fmt.Errorf("queue %s: %w", queue, err)
			}
		}
	}
	return nil
}

// queueView is one queue in a dump.
type queueView struct {
	name string
	keys dump.Keyspace
}

func (q queueView) fields(key string) map[string]any {
	fields, _ := q.keys[q.name+":"+key].Value.(map[string]any)
	return fields
}

// members are the ids in a list, set, or sorted set.
func (q queueView) members(key string) []string {
	list, _ := q.keys[q.name+":"+key].Value.([]any)
	ids := make([]string, len(list))
	for i, member := range list {
		ids[i], _, _ = strings.Cut(member.(string), " = ")
	}
	return ids
}

// jobsAreInOneState checks that no job is lost or counted twice.
func (q queueView) jobsAreInOneState() error {
	found := map[string]string{}
	for _, state := range stateKeys {
		for _, id := range q.members(state) {
			if before, ok := found[id]; ok {
				return fmt.Errorf("job %s is in %s and in %s", id, before, state)
			}
			found[id] = state
			if q.fields(id) == nil {
				return fmt.Errorf("job %s is in %s but does not exist", id, state)
			}
		}
	}
	for key, entry := range q.keys {
		id, ok := strings.CutPrefix(key, q.name+":")
		fields, isHash := entry.Value.(map[string]any)
		if !ok || !isHash || fields["timestamp"] == nil {
			continue // not a job
		}
		if found[id] == "" {
			return fmt.Errorf("job %s is in no state", id)
		}
	}
	return nil
}

// parentsGoOn checks that what every waiting parent waits for can still happen.
func (q queueView) parentsGoOn() error {
	for _, id := range q.members("waiting-children") {
		children := q.members(id + ":dependencies")
		if len(children) == 0 {
			return fmt.Errorf("parent %s waits for no child", id)
		}
		for _, child := range children {
			key := strings.TrimPrefix(child, prefixOf(child))
			if _, ok := q.keys[key]; !ok {
				return fmt.Errorf("parent %s waits for %s, which is gone", id, key)
			}
			queue, childID, _ := strings.Cut(key, ":")
			if slices.Contains((queueView{queue, q.keys}).members("completed"), childID) {
				return fmt.Errorf("parent %s waits for %s, which has completed", id, key)
			}
		}
	}
	return nil
}

// prefixOf is the queues' prefix in a job's key, with its colon.
func prefixOf(key string) string {
	prefix, _, _ := strings.Cut(key, ":")
	return prefix + ":"
}

// waitingWorkersWake checks that a worker that waits for the marker is woken by
// what there is to do. While a job runs, its worker fetches when it is done.
func (q queueView) waitingWorkersWake() error {
	meta := q.fields("meta")
	if meta["concurrency"] != nil {
		return nil // What had to wait for its turn is fetched by whom it waited for.
	}
	active := len(q.members("active"))
	fetchable := len(q.members("wait")) + len(q.members("prioritized"))
	if fetchable == 0 || meta["paused"] != nil || active > 0 {
		return nil
	}
	if !slices.Contains(q.members("marker"), "0") {
		return fmt.Errorf("%d jobs wait but no marker tells", fetchable)
	}
	return nil
}
