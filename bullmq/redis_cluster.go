package bullmq

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/redis/rueidis"
)

// SlotError reports queues whose keys a Redis Cluster would spread over its
// nodes, where no operation could be atomic. Nothing was written.
type SlotError struct {
	Queue QueueRef
	// Other is the queue that Queue was joined with, by a flow or as a parent.
	// It is zero if Queue lacks a hash tag of its own.
	Other QueueRef
}

func (e *SlotError) Error() string {
	if e.Other == (QueueRef{}) {
		return fmt.Sprintf("queue %s has no hash tag, by which a Redis Cluster keeps the keys of a queue together: use a prefix such as {bull}", e.Queue)
	}
	return fmt.Sprintf("queues %s and %s have different hash tags, so a Redis Cluster keeps them apart: the jobs of a flow need queues with the same tag", e.Queue, e.Other)
}

// hashTag returns the part of a key prefix that decides about the slot of every
// key that begins with it: what stands between the first { and the } after it.
// Without one, or with an empty one, each key has a slot of its own.
func hashTag(prefix string) string {
	_, rest, _ := strings.Cut(prefix, "{")
	tag, _, closed := strings.Cut(rest, "}")
	if !closed {
		return ""
	}
	return tag
}

func (q QueueRef) hashTag() string { return hashTag(q.keyPrefix()) }

// CheckQueue implements [Backend]: it returns a [*SlotError] for a queue that a
// cluster cannot hold, and nil for all queues if the server is no cluster.
func (r *Redis) CheckQueue(q QueueRef) error {
	if r.cluster && q.hashTag() == "" {
		return &SlotError{Queue: q}
	}
	return nil
}

// checkTogether returns a [*SlotError] if one operation cannot touch both queues.
func (r *Redis) checkTogether(q, other QueueRef) error {
	if err := r.CheckQueue(q); err != nil {
		return err
	}
	if r.cluster && q.hashTag() != other.hashTag() {
		return &SlotError{Queue: q, Other: other}
	}
	return nil
}

// checkParents returns a [*SlotError] if a job's parent is out of its queue's reach.
func (r *Redis) checkParents(q QueueRef, jobs []NewJob) error {
	if !r.cluster {
		return nil
	}
	for i := range jobs {
		if p := jobs[i].Parent; p != nil {
			if err := r.checkTogether(q, p.Queue); err != nil {
				return err
			}
		}
	}
	return r.CheckQueue(q)
}

// checkFlow returns a [*SlotError] if the jobs of a flow do not lie together.
func (r *Redis) checkFlow(nodes []FlowNode) error {
	if !r.cluster {
		return nil
	}
	for i := range nodes {
		if err := r.checkTogether(nodes[0].Queue, nodes[i].Queue); err != nil {
			return err
		}
		if err := r.checkParents(nodes[i].Queue, []NewJob{nodes[i].Job}); err != nil {
			return err
		}
	}
	return nil
}

// nodes returns a client for each server, for commands that concern no key.
func (r *Redis) nodes() map[string]rueidis.Client {
	if !r.cluster {
		return map[string]rueidis.Client{"": r.client}
	}
	return r.client.Nodes()
}

// masters returns a client for each server that holds keys of its own, by address.
func (r *Redis) masters(ctx context.Context) (map[string]rueidis.Client, error) {
	nodes := r.nodes()
	if !r.cluster {
		return nodes, nil
	}
	masters := make(map[string]rueidis.Client, len(nodes))
	for addr, node := range nodes {
		role, err := node.Do(ctx, node.B().Role().Build()).ToArray()
		if err != nil {
			return nil, fmt.Errorf("role of %s: %w", addr, err)
		}
		if name, err := role[0].ToString(); err == nil && name == "master" {
			masters[addr] = node
		}
	}
	return masters, nil
}

// scan walks the keys that match a pattern, in pages, on every master. A type, if
// given, leaves out keys of others.
func (r *Redis) scan(ctx context.Context, pattern, kind string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		masters, err := r.masters(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, node := range masters {
			for cursor := uint64(0); ; {
				page, err := node.Do(ctx, scanStep(node, cursor, pattern, kind)).AsScanEntry()
				if !yield(page.Elements, err) || err != nil {
					return
				}
				if cursor = page.Cursor; cursor == 0 {
					break
				}
			}
		}
	}
}

func scanStep(node rueidis.Client, cursor uint64, pattern, kind string) rueidis.Completed {
	step := node.B().Scan().Cursor(cursor).Match(pattern).Count(1000)
	if kind == "" {
		return step.Build()
	}
	return step.Type(kind).Build()
}
