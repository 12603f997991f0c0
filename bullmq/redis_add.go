package bullmq

import (
	"bytes"
	"context"
	"fmt"

	"github.com/redis/rueidis"
)

// A chunk of jobs is added by one call of a script. Both bounds keep the server
// from being busy with it for more than a few milliseconds.
const (
	addChunkJobs  = 400
	addChunkBytes = 1 << 20
	// maxAddsInFlight is how many calls a queue's producers have under way before
	// further small ones are put together.
	maxAddsInFlight = 2
)

// AddJobs implements [Backend]. Jobs that producers of this process add one by
// one while calls are under way go out together in the next one, so that a lone
// producer waits for nobody and many of them cost little more than one.
func (r *Redis) AddJobs(ctx context.Context, q QueueRef, jobs []NewJob) ([]AddResult, error) {
	if err := r.checkParents(q, jobs); err != nil {
		return nil, err
	}
	if len(jobs) == 1 && jobs[0].size() < addChunkBytes {
		return r.adds.queue(q).add(ctx, jobs[0])
	}
	results := make([]AddResult, len(jobs))
	for from := 0; from < len(jobs); {
		to := chunkEnd(jobs, from)
		if err := r.addChunk(ctx, q, jobs[from:to], results[from:to]); err != nil {
			return results, err
		}
		from = to
	}
	return results, nil
}

// chunkEnd returns where the chunk that begins at from ends.
func chunkEnd(jobs []NewJob, from int) int {
	to, size := from, 0
	for to < len(jobs) && to-from < addChunkJobs {
		if size += jobs[to].size(); size > addChunkBytes && to > from {
			break
		}
		to++
	}
	return to
}

func (r *Redis) addChunk(ctx context.Context, q QueueRef, jobs []NewJob, results []AddResult) error {
	args := make([]string, 0, runHeader+len(jobs)*2)
	for from := 0; from < len(jobs); {
		to := runEnd(jobs, from)
		args = appendRun(args, jobs[from:to], false, false)
		from = to
	}
	replies, err := r.run(ctx, addJobsScript, q, args...).ToArray()
	if err != nil {
		return err
	}
	for i := range min(len(replies), len(results)) {
		results[i] = addResult(replies[i], jobs[i].ID)
	}
	return nil
}

func addResult(reply rueidis.RedisMessage, id string) AddResult {
	if code, err := reply.AsInt64(); err == nil && reply.IsInt64() {
		return AddResult{Err: codeError(code, "add", id)}
	}
	added, err := reply.ToString()
	return AddResult{ID: added, Err: err}
}

// AddFlow implements [Backend].
func (r *Redis) AddFlow(ctx context.Context, nodes []FlowNode) ([]AddResult, error) {
	if err := r.checkFlow(nodes); err != nil {
		return nil, err
	}
	keys := make([]string, len(nodes))
	args := make([]string, 0, len(nodes)*(runHeader+2))
	for i := range nodes {
		keys[i] = nodes[i].Queue.keyPrefix()
		args = appendRun(args, []NewJob{nodes[i].Job}, nodes[i].WaitsForChildren, true)
	}
	replies, err := r.exec(ctx, addFlowScript, keys, args).ToArray()
	if err != nil {
		return nil, err
	}
	if len(replies) != len(nodes) {
		return nil, fmt.Errorf("add flow: %d results for %d jobs", len(replies), len(nodes))
	}
	results := make([]AddResult, len(nodes))
	for i := range replies {
		results[i] = addResult(replies[i], nodes[i].Job.ID)
	}
	return results, nil
}

func (n *NewJob) size() int { return len(n.Data) + len(n.Opts) + len(n.Name) + 128 }

// runHeader is how many values the jobs of a run share.
const runHeader = 13

// runEnd returns where the run of jobs ends that begins at from: those that differ
// only in id and data, which most jobs of a bulk do.
func runEnd(jobs []NewJob, from int) int {
	first := &jobs[from]
	to := from + 1
	for to < len(jobs) && jobs[to].runsWith(first) {
		to++
	}
	return to
}

func (n *NewJob) runsWith(o *NewJob) bool {
	return n.Name == o.Name && bytes.Equal(n.Opts, o.Opts) && n.Timestamp.UnixMilli() == o.Timestamp.UnixMilli() &&
		n.Delay == o.Delay && n.Priority == o.Priority && n.LIFO == o.LIFO && (n.ID == "") == (o.ID == "") &&
		n.Parent == nil && o.Parent == nil && n.Deduplication == nil && o.Deduplication == nil
}

// appendRun writes a run as the adding scripts read it.
func appendRun(args []string, jobs []NewJob, waitsForChildren, inFlow bool) []string {
	n := &jobs[0]
	var parentKey, parentJSON string
	if n.Parent != nil {
		parentKey, parentJSON = n.Parent.Queue.JobKey(n.Parent.ID), n.Parent.encode()
	}
	args = append(args,
		formatInt(len(jobs)), flag(n.ID != ""), n.Name, rueidis.BinaryString(n.Opts),
		formatMillis(n.Timestamp), formatDuration(n.Delay), formatInt(n.Priority), flag(n.LIFO),
		parentKey, parentJSON, flag(waitsForChildren), flag(inFlow), n.Deduplication.encode())
	for i := range jobs {
		if n.ID != "" {
			args = append(args, jobs[i].ID)
		}
		args = append(args, rueidis.BinaryString(jobs[i].Data))
	}
	return args
}

// encode writes the options as the adding scripts read them.
func (d *Deduplication) encode() string {
	if d == nil {
		return ""
	}
	var text []byte
	for _, f := range []struct {
		letter byte
		set    bool
	}{{'e', d.Extend}, {'k', d.KeepLastIfActive}, {'r', d.Replace}, {'s', d.Reschedule}} {
		if f.set {
			text = append(text, f.letter)
		}
	}
	return string(text) + ":" + formatDuration(d.TTL) + ":" + d.ID
}

// encode writes the link as the hash of a child keeps it.
func (l *ParentLink) encode() string {
	members := map[string]any{"id": l.ID, "queueKey": l.Queue.String()}
	if l.Policy != "" {
		members[l.Policy] = true
	}
	text, err := encodeJSON(members)
	if err != nil {
		return "{}" // Strings and booleans always encode.
	}
	return string(text)
}
