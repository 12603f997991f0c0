package board

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// maxSchedulers bounds how many schedulers of a queue are shown, the next ones.
const maxSchedulers = 1000

// schedulerView is a job scheduler as the page shows it.
type schedulerView struct {
	ID             string             `json:"id"`
	QueueName      string             `json:"queueName"`
	Name           string             `json:"name"`
	Pattern        string             `json:"pattern,omitempty"`
	Every          int64              `json:"every,omitempty"`
	TZ             string             `json:"tz,omitempty"`
	Limit          int                `json:"limit,omitempty"`
	StartDate      int64              `json:"startDate,omitempty"`
	EndDate        int64              `json:"endDate,omitempty"`
	Next           int64              `json:"next,omitempty"`
	NextRunJobID   string             `json:"nextRunJobId,omitempty"`
	IterationCount int                `json:"iterationCount"`
	Template       *schedulerTemplate `json:"template,omitempty"`
}

type schedulerTemplate struct {
	Data json.RawMessage   `json:"data,omitempty"`
	Opts bullmq.JobOptions `json:"opts"`
}

func (b *Board) listSchedulers(c *call) (any, error) {
	names, err := b.opts.Directory.Names(c.ctx)
	if err != nil {
		return nil, err
	}
	only := queuesQuery{active: c.request.URL.Query().Get("queueName")}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !c.principal.SeesQueue(name) || only.active != "" && !only.isActive(name)
	})
	var mu sync.Mutex
	answer := struct {
		Schedulers []schedulerView `json:"schedulers"`
	}{Schedulers: []schedulerView{}}
	err = inParallel(c.ctx, names, func(ctx context.Context, name string) error {
		found, err := b.schedulersOf(ctx, bullmq.QueueRef{Prefix: b.opts.Prefix, Name: name})
		mu.Lock()
		defer mu.Unlock()
		answer.Schedulers = append(answer.Schedulers, found...)
		return err
	})
	if err != nil {
		return nil, unavailable(err)
	}
	slices.SortFunc(answer.Schedulers, func(x, y schedulerView) int {
		return cmp.Or(cmp.Compare(x.QueueName, y.QueueName), cmp.Compare(x.Next, y.Next), cmp.Compare(x.ID, y.ID))
	})
	return answer, nil
}

func (b *Board) schedulersOf(ctx context.Context, ref bullmq.QueueRef) ([]schedulerView, error) {
	schedulers, err := b.opts.Redis.Schedulers(ctx, ref, 0, maxSchedulers-1)
	if err != nil || len(schedulers) == 0 {
		return nil, err
	}
	views := make([]schedulerView, len(schedulers))
	runs := make([]string, len(schedulers))
	for i, s := range schedulers {
		views[i] = schedulerView{
			ID: s.ID, QueueName: ref.Name, Name: s.Name, Pattern: s.Repeat.Pattern, Every: s.Repeat.Every.Milliseconds(),
			TZ: s.Repeat.TZ, Limit: s.Repeat.Limit, StartDate: epoch(s.Repeat.StartDate), EndDate: epoch(s.Repeat.EndDate),
			Next: epoch(s.Next), IterationCount: s.IterationCount,
			Template: &schedulerTemplate{Data: s.Data, Opts: s.Opts},
		}
		runs[i] = "repeat:" + s.ID + ":" + strconv.FormatInt(views[i].Next, 10)
	}
	jobs, err := b.opts.Redis.Jobs(ctx, ref, runs)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, j := range jobs {
		if j != nil {
			there[j.ID] = true
		}
	}
	for i, id := range runs {
		if there[id] {
			views[i].NextRunJobID = id
		}
	}
	return views, nil
}

func (b *Board) removeScheduler(c *call) (any, error) {
	return nil, c.queue.RemoveJobScheduler(c.ctx, c.params["scheduler"])
}
