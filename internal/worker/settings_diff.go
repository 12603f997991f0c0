package worker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// changes says in words what differs in the new settings.
func (s *Settings) changes(next *Settings) []string {
	var list []string
	note := func(what string, before, after any) {
		if before, after := fmt.Sprint(before), fmt.Sprint(after); before != after {
			list = append(list, fmt.Sprintf("%s: %s → %s", what, before, after))
		}
	}
	old, now := s.queuesByName(), next.queuesByName()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		q, was := now[name], old[name]
		if was == nil {
			list = append(list, "queue "+name+": added")
			continue
		}
		note("queue "+name+": concurrency", was.Concurrency, q.Concurrency)
		note("queue "+name+": handlers", allowed(was), allowed(q))
		note("queue "+name+": rate limit", rate(was.RateLimit), rate(q.RateLimit))
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if now[name] == nil {
			list = append(list, "queue "+name+": removed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mergedKeys(s.Handlers, next.Handlers))) {
		was, is := s.Handlers[name], next.Handlers[name]
		note("handler "+name+": disabled", was.Disabled, is.Disabled)
		note("handler "+name+": concurrency", was.Concurrency, is.Concurrency)
		note("handler "+name+": timeout", was.Timeout, is.Timeout)
		note("handler "+name+": memory", was.Memory, is.Memory)
		note("handler "+name+": cpu", was.CPU, is.CPU)
	}
	note("job timeout", s.Timeout, next.Timeout)
	note("jobs without a handler", s.Unknown, next.Unknown)
	note("retry of jobs without a handler", s.UnknownRetry, next.UnknownRetry)
	return list
}

// queuesByName names a queue by its prefix too unless that is the usual one.
func (s *Settings) queuesByName() map[string]*Queue {
	byName := map[string]*Queue{}
	for i := range s.Queues {
		q := &s.Queues[i]
		name := q.Name
		if q.Prefix != bullmq.DefaultPrefix {
			name = q.Prefix + ":" + q.Name
		}
		byName[name] = q
	}
	return byName
}

func mergedKeys[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return all
}

func allowed(q *Queue) string {
	if len(q.Handlers) == 0 {
		return "all"
	}
	return strings.Join(q.Handlers, ", ")
}

func rate(limit *bullmq.RateLimit) string {
	if limit == nil {
		return "none"
	}
	return fmt.Sprintf("%d per %s", limit.Max, limit.Duration)
}
