package bullmq

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FlowQuery names a job and how much of the tree below it is read.
type FlowQuery struct {
	// Queue and ID name the job at the top.
	Queue string
	ID    string
	// Prefix is the queue's key prefix. Defaults to the producer's.
	Prefix string
	// Depth is how many levels are read, that of the job included. Defaults to 10.
	Depth int
	// MaxChildren is how many children of each kind (completed, pending, failed,
	// ignored) are read of each job. Defaults to 20.
	MaxChildren int
}

// Flow reads a job and the tree below it. Children that have been removed are
// left out. It returns [ErrJobNotFound] if there is no job at the top.
func (p *FlowProducer) Flow(ctx context.Context, query FlowQuery) (*FlowResult, error) {
	if err := validateQueueName(query.Queue); err != nil {
		return nil, err
	}
	query.Depth = cmp.Or(query.Depth, 10)
	query.MaxChildren = cmp.Or(query.MaxChildren, 20)
	ref := QueueRef{Prefix: cmp.Or(query.Prefix, p.opts.Prefix), Name: query.Queue}
	top, err := p.backend.Job(ctx, ref, query.ID)
	if err != nil {
		return nil, err
	}
	root := &FlowResult{Job: top}
	level := []*FlowResult{root}
	for depth := 1; depth < query.Depth && len(level) > 0; depth++ {
		if level, err = p.readChildren(ctx, level, query.MaxChildren); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// readChildren adds to each node its children and returns all of them.
func (p *FlowProducer) readChildren(ctx context.Context, parents []*FlowResult, limit int) ([]*FlowResult, error) {
	var children []*FlowResult
	for _, parent := range parents {
		keys, err := p.childKeys(ctx, parent.Job, limit)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			job, err := p.jobOfKey(ctx, key)
			if err != nil {
				return nil, err
			}
			if job != nil {
				parent.Children = append(parent.Children, &FlowResult{Job: job})
			}
		}
		children = append(children, parent.Children...)
	}
	return children, nil
}

// childKeys lists a job's children: those that completed, then those that are
// pending, failed, and ignored.
func (p *FlowProducer) childKeys(ctx context.Context, job *Job, limit int) ([]string, error) {
	d, err := p.backend.Dependencies(ctx, job.Queue, job.ID, limit)
	if err != nil {
		return nil, err
	}
	keys := slices.Sorted(maps.Keys(d.Processed))
	slices.Sort(d.Unprocessed)
	keys = append(keys, d.Unprocessed...)
	keys = append(keys, d.Failed...)
	return append(keys, slices.Sorted(maps.Keys(d.Ignored))...), nil
}

// jobOfKey reads the job of a key "<prefix>:<queue>:<id>", nil if it is gone.
func (p *FlowProducer) jobOfKey(ctx context.Context, key string) (*Job, error) {
	i := strings.LastIndexByte(key, ':')
	if i < 0 {
		return nil, nil //nolint:nilnil // a damaged key names no job
	}
	ref, ok := ParseQueueRef(key[:i])
	if !ok {
		return nil, nil //nolint:nilnil // a damaged key names no job
	}
	jobs, err := p.backend.Jobs(ctx, ref, []string{key[i+1:]})
	if err != nil {
		return nil, fmt.Errorf("read child %s: %w", key, err)
	}
	if len(jobs) == 0 {
		return nil, nil //nolint:nilnil // it has been removed
	}
	return jobs[0], nil
}
