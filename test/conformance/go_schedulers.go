package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

type upsertArgs struct {
	ID       string
	Repeat   bullmq.RepeatOptions
	Template struct {
		Name string
		Data json.RawMessage
		Opts *bullmq.JobOptions
	}
}

var goSchedulers = map[string]goOperation{
	"upsertScheduler": onQueue(func(ctx context.Context, q *bullmq.Queue, a upsertArgs) (any, error) {
		job, err := q.UpsertJobScheduler(ctx, a.ID, a.Repeat, bullmq.JobTemplate{
			Name: a.Template.Name, Data: a.Template.Data, Opts: a.Template.Opts,
		})
		if err != nil {
			return nil, err
		}
		return job.ID, nil
	}),
	"removeScheduler": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ ID string }) (any, error) {
		err := q.RemoveJobScheduler(ctx, a.ID)
		if errors.Is(err, bullmq.ErrSchedulerNotFound) {
			return false, nil
		}
		return err == nil, err
	}),
	"scheduler": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct{ ID string }) (any, error) {
		s, err := q.JobScheduler(ctx, a.ID)
		if errors.Is(err, bullmq.ErrSchedulerNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return viewScheduler(s), nil
	}),
	"schedulers": onQueue(func(ctx context.Context, q *bullmq.Queue, a struct {
		Start, End *int64
		Asc        bool
	},
	) (any, error) {
		start, end := rangeOf(a.Start, a.End)
		if !a.Asc {
			start, end = -end-1, -start-1
		}
		list, err := q.JobSchedulers(ctx, start, end)
		if !a.Asc {
			slices.Reverse(list)
		}
		views := make([]*schedulerView, len(list))
		for i, s := range list {
			views[i] = viewScheduler(s)
		}
		return views, err
	}),
	"schedulersCount": onQueue(func(ctx context.Context, q *bullmq.Queue, _ none) (any, error) {
		return q.JobSchedulersCount(ctx)
	}),
}
