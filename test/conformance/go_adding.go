package conformance

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// addArgs is a job as a step gives it.
type addArgs struct {
	Name string
	Data json.RawMessage
	Opts *bullmq.JobOptions
}

func (a addArgs) bulk() bullmq.BulkJob {
	if a.Name == "" {
		a.Name = "job"
	}
	return bullmq.BulkJob{Name: a.Name, Data: a.Data, Opts: a.Opts}
}

// flowArgs is a node of a flow as a step gives it.
type flowArgs struct {
	Name      string             `json:"name"`
	QueueName string             `json:"queueName"`
	Data      json.RawMessage    `json:"data"`
	Opts      *bullmq.JobOptions `json:"opts"`
	Children  []flowArgs         `json:"children"`
}

func (a flowArgs) job() bullmq.FlowJob {
	job := bullmq.FlowJob{Name: a.Name, Queue: a.QueueName, Data: a.Data, Opts: a.Opts}
	for _, child := range a.Children {
		job.Children = append(job.Children, child.job())
	}
	return job
}

var goAdding = map[string]goOperation{
	"init": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) { return nil, q.Init(ctx) }),
	"add": onQueue(func(ctx context.Context, q *bullmq.Queue, a addArgs) (any, error) {
		bulk := a.bulk()
		job, err := q.Add(ctx, bulk.Name, bulk.Data, bulk.Opts)
		if err != nil {
			return nil, err
		}
		return job.ID, nil
	}),
	"addBulk": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ Jobs []addArgs }) (any, error) {
		bulk := make([]bullmq.BulkJob, len(a.Jobs))
		for i, job := range a.Jobs {
			bulk[i] = job.bulk()
		}
		jobs, err := q.AddBulk(ctx, bulk)
		if err != nil {
			return nil, firstOfBulk(err)
		}
		ids := make([]string, len(jobs))
		for i, job := range jobs {
			ids[i] = job.ID
		}
		return ids, nil
	}),
	"addFlow": with(func(ctx context.Context, s *goStep, a struct {
		Flow          flowArgs
		QueuesOptions map[string]struct{ DefaultJobOptions *bullmq.JobOptions }
	},
	) (any, error) {
		defaults := map[string]*bullmq.JobOptions{}
		for queue, options := range a.QueuesOptions {
			defaults[queue] = options.DefaultJobOptions
		}
		result, err := s.flows(defaults).Add(ctx, a.Flow.job())
		if err != nil {
			return nil, err
		}
		return viewIDs(result), nil
	}),
	"addFlows": with(func(ctx context.Context, s *goStep, a struct{ Flows []flowArgs }) (any, error) {
		flows := make([]bullmq.FlowJob, len(a.Flows))
		for i, flow := range a.Flows {
			flows[i] = flow.job()
		}
		results, err := s.flows(nil).AddBulk(ctx, flows)
		ids := make([]flowIDs, len(results))
		for i, result := range results {
			ids[i] = viewIDs(result)
		}
		return ids, err
	}),
	"getFlow": with(func(ctx context.Context, s *goStep, a struct {
		Flow struct {
			ID, QueueName      string
			Depth, MaxChildren int
		}
	},
	) (any, error) {
		tree, err := s.flows(nil).Flow(ctx, bullmq.FlowQuery{
			Queue: a.Flow.QueueName, ID: a.Flow.ID, Depth: a.Flow.Depth, MaxChildren: a.Flow.MaxChildren,
		})
		if errors.Is(err, bullmq.ErrJobNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return viewTree(tree), nil
	}),
}

func (s *goStep) flows(defaults map[string]*bullmq.JobOptions) *bullmq.FlowProducer {
	return bullmq.NewFlowProducer(s.redis, &bullmq.FlowOptions{Prefix: s.prefix, Now: s.clock, JobOptions: defaults})
}

// firstOfBulk is the refusal of the first job that was refused, which is all
// that npm bullmq reports.
func firstOfBulk(err error) error {
	var bulk *bullmq.BulkError
	if !errors.As(err, &bulk) {
		return err
	}
	for i := 0; ; i++ {
		if first, ok := bulk.Errors[i]; ok {
			return first
		}
	}
}
