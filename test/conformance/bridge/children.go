package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// dependencies are a parent's children. Values are the texts that are stored.
type dependencies struct {
	Processed   map[string]string `json:"processed"`
	Unprocessed []string          `json:"unprocessed"`
	Ignored     map[string]string `json:"ignored"`
	Failed      []string          `json:"failed"`
}

var childOperations = map[string]operation{
	"getDependencies": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
		d, err := s.backend.Dependencies(ctx, q, p.JobID, 0)
		if err != nil {
			return nil, err
		}
		out := dependencies{map[string]string{}, list(d.Unprocessed), d.Ignored, list(d.Failed)}
		for key, value := range d.Processed {
			out.Processed[key] = string(value)
		}
		return out, nil
	}),
	"getProcessedChildrenValues": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
		values, err := s.backend.ChildrenValues(ctx, q, p.JobID)
		texts := make(map[string]string, len(values))
		for key, value := range values {
			texts[key] = string(value)
		}
		return texts, err
	}),
	"getIgnoredChildrenFailures": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
		return s.backend.IgnoredFailures(ctx, q, p.JobID)
	}),
	"getDependencyCounts": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p getDependencyCountsParams) (any, error) {
		counts, err := s.backend.DependencyCounts(ctx, q, p.JobID)
		if err != nil {
			return nil, err
		}
		byType := map[string]int64{
			"processed": counts.Processed, "unprocessed": counts.Unprocessed, "ignored": counts.Ignored, "failed": counts.Failed,
		}
		out := make([]int64, len(p.Types))
		for i, name := range p.Types {
			out[i] = byType[name]
		}
		return out, nil
	}),
	"removeUnprocessedChildren": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p jobParams) (any, error) {
		err := s.backend.RemoveUnprocessedChildren(ctx, q, p.JobID)
		if errors.Is(err, bullmq.ErrJobNotFound) {
			return nil, nil // It has none.
		}
		return nil, err
	}),
	"removeChildDependency": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p removeChildDependencyParams) (any, error) {
		return s.backend.RemoveChildDependency(ctx, q, p.JobID, p.ParentKey)
	}),
	"scanChildren": on(scanChildren),
	"paginate":     on(paginate),
}

// step is one step over the children of a kind: keys, or keys and values in turn.
type step struct {
	Cursor uint64   `json:"cursor"`
	Items  []string `json:"items"`
}

type scanChildrenParams struct {
	jobParams
	Kind   string `json:"kind"`
	Cursor uint64 `json:"cursor"`
	Count  int64  `json:"count"`
}

// scanChildren reads some of a parent's children of one kind.
func scanChildren(ctx context.Context, s *session, q bullmq.QueueRef, p scanChildrenParams) (any, error) {
	c, key := s.redis.Client(), q.JobKey(p.JobID)
	var command rueidis.Completed
	switch p.Kind {
	case "processed":
		command = c.B().Hscan().Key(key + ":processed").Cursor(p.Cursor).Count(p.Count).Build()
	case "ignored":
		command = c.B().Hscan().Key(key + ":failed").Cursor(p.Cursor).Count(p.Count).Build()
	case "unprocessed":
		command = c.B().Sscan().Key(key + ":dependencies").Cursor(p.Cursor).Count(p.Count).Build()
	case "failed":
		end := strconv.FormatInt(int64(p.Cursor)+p.Count-1, 10)
		command = c.B().Zrange().Key(key + ":unsuccessful").Min(strconv.FormatUint(p.Cursor, 10)).Max(end).Build()
		items, err := c.Do(ctx, command).AsStrSlice()
		return step{p.Cursor + uint64(p.Count), list(items)}, err
	default:
		return nil, fmt.Errorf("unknown kind of children %q", p.Kind)
	}
	entry, err := c.Do(ctx, command).AsScanEntry()
	return step{entry.Cursor, list(entry.Elements)}, err
}

// childrenPage is a range of a parent's children, with their results if they
// have some and their jobs' hashes if these are wanted.
type childrenPage struct {
	Total  int64               `json:"total"`
	Keys   []string            `json:"keys"`
	Values []string            `json:"values,omitempty"`
	Jobs   []map[string]string `json:"jobs"`
}

type paginateParams struct {
	Key       string `json:"key"`
	Start     int    `json:"start"`
	End       int    `json:"end"`
	FetchJobs bool   `json:"fetchJobs"`
}

// paginate reads the children start to end of a set, or of a hash of results.
func paginate(ctx context.Context, s *session, _ bullmq.QueueRef, p paginateParams) (any, error) {
	c := s.redis.Client()
	kind, err := c.Do(ctx, c.B().Type().Key(p.Key).Build()).ToString()
	if err != nil {
		return nil, err
	}
	out := childrenPage{Keys: []string{}, Jobs: []map[string]string{}}
	switch kind {
	case "none":
		return out, nil
	case "hash":
		all, err := c.Do(ctx, c.B().Hgetall().Key(p.Key).Build()).AsStrMap()
		if err != nil {
			return nil, err
		}
		out.Total, out.Values = int64(len(all)), []string{}
		for _, key := range slice(slices.Sorted(maps.Keys(all)), p.Start, p.End) {
			out.Keys, out.Values = append(out.Keys, key), append(out.Values, all[key])
		}
	case "set":
		all, err := c.Do(ctx, c.B().Smembers().Key(p.Key).Build()).AsStrSlice()
		if err != nil {
			return nil, err
		}
		slices.Sort(all)
		out.Total, out.Keys = int64(len(all)), slice(all, p.Start, p.End)
	default:
		return nil, errors.New("Pagination is only supported for sets and hashes.") //nolint:revive,staticcheck // BullMQ's text
	}
	for _, key := range out.Keys {
		if !p.FetchJobs {
			break
		}
		hash, err := c.Do(ctx, c.B().Hgetall().Key(key).Build()).AsStrMap()
		if err != nil {
			return nil, err
		}
		if len(hash) > 0 {
			out.Jobs = append(out.Jobs, hash)
		}
	}
	return out, nil
}

// slice returns the items start to end, the last one included; -1 is the last of all.
func slice(items []string, start, end int) []string {
	if end < 0 || end >= len(items) {
		end = len(items) - 1
	}
	if start > end {
		return []string{}
	}
	return items[max(start, 0) : end+1]
}

type getDependencyCountsParams struct {
	jobParams
	Types []string `json:"types"`
}

type removeChildDependencyParams struct {
	jobParams
	ParentKey string `json:"parentKey"`
}
