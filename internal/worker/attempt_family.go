package worker

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// ChildrenValues implements [handler.Context].
func (a *attempt) ChildrenValues() (map[string]json.RawMessage, error) {
	ctx, cancel := a.request()
	defer cancel()
	return a.job.ChildrenValues(ctx)
}

// FailedChildren implements [handler.Context].
func (a *attempt) FailedChildren() (map[string]string, error) {
	ctx, cancel := a.request()
	defer cancel()
	return a.job.IgnoredFailures(ctx)
}

// Dependencies implements [handler.Context].
func (a *attempt) Dependencies() (bullmq.DependencyCounts, error) {
	ctx, cancel := a.request()
	defer cancel()
	return a.job.DependencyCounts(ctx)
}

// AddChildren implements [handler.Context].
func (a *attempt) AddChildren(jobs ...handler.NewJob) ([]handler.AddedJob, error) {
	return a.add(jobs, &bullmq.ParentRef{ID: a.job.ID, Queue: a.job.Queue.String()})
}

// AddJobs implements [handler.Context].
func (a *attempt) AddJobs(jobs ...handler.NewJob) ([]handler.AddedJob, error) {
	return a.add(jobs, nil)
}

// add adds jobs in one transaction, under a parent or without one.
func (a *attempt) add(jobs []handler.NewJob, parent *bullmq.ParentRef) ([]handler.AddedJob, error) {
	flow := make([]bullmq.FlowJob, len(jobs))
	for i, job := range jobs {
		var opts bullmq.JobOptions
		if job.Opts != nil {
			opts = *job.Opts
		}
		if parent != nil {
			opts.Parent = parent
		}
		flow[i] = bullmq.FlowJob{
			Name: job.Name, Data: job.Data, Opts: &opts,
			Queue: cmp.Or(job.Queue, a.job.Queue.Name), Prefix: a.job.Queue.Prefix,
		}
	}
	ctx, cancel := a.request()
	defer cancel()
	results, err := a.flows.AddBulk(ctx, flow)
	if err != nil {
		return nil, addError(err)
	}
	added := make([]handler.AddedJob, len(results))
	for i, r := range results {
		added[i] = handler.AddedJob{ID: r.Job.ID, Queue: r.Job.Queue.Name}
	}
	return added, nil
}

// addError says why jobs were not added. What is wrong with one of them is not
// mended by another attempt of the same handler.
func addError(err error) error {
	if invalid, ok := errors.AsType[*bullmq.ValidationError](err); ok {
		return fmt.Errorf("no job was added: %s: %w", invalid.Field, invalid)
	}
	return fmt.Errorf("the jobs were not added: %w", err)
}
