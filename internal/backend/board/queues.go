package board

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
)

const (
	// latest is the tab that shows jobs of every state.
	latest             = "latest"
	defaultJobsPerPage = 10
	maxJobsPerPage     = 300
	maxPage            = 1_000_000
)

// tabs are the views of a queue in the order the page shows them.
var tabs = []string{latest, "active", "waiting", "waiting-children", "prioritized", "completed", "failed", "delayed"}

// queueView is a queue as the page shows it.
type queueView struct {
	Name                    string           `json:"name"`
	Statuses                []string         `json:"statuses"`
	Counts                  bullmq.JobCounts `json:"counts"`
	Jobs                    []*jobView       `json:"jobs"`
	Pagination              pagination       `json:"pagination"`
	ReadOnlyMode            bool             `json:"readOnlyMode"`
	AllowRetries            bool             `json:"allowRetries"`
	AllowCompletedRetries   bool             `json:"allowCompletedRetries"`
	IsPaused                bool             `json:"isPaused"`
	Type                    string           `json:"type"`
	Delimiter               string           `json:"delimiter"`
	GlobalConcurrency       *int             `json:"globalConcurrency"`
	ActiveRateLimitTTL      int64            `json:"activeRateLimitTtl"`
	SupportsGlobalRateLimit bool             `json:"supportsGlobalRateLimit"`
	JobSchedulerCount       int64            `json:"jobSchedulerCount"`
	HasWorkers              bool             `json:"hasWorkers"`
}

type pagination struct {
	PageCount int64     `json:"pageCount"`
	Range     pageRange `json:"range"`
}

type pageRange struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// queuesQuery is what the page asks to see.
type queuesQuery struct {
	active   string
	status   string
	page     int64
	pageSize int64
}

func parseQueuesQuery(values url.Values) (q queuesQuery, err error) {
	q.active, q.status = values.Get("activeQueue"), cmp.Or(values.Get("status"), latest)
	if !slices.Contains(tabs, q.status) && q.status != "paused" {
		return q, invalid(keyInvalidQuery, map[string]any{"field": "status"})
	}
	if q.page, err = boundedInt(values, "page", 1, maxPage); err != nil {
		return q, err
	}
	q.pageSize, err = boundedInt(values, "jobsPerPage", defaultJobsPerPage, maxJobsPerPage)
	return q, err
}

// boundedInt reads a positive number; an empty one counts as absent.
func boundedInt(values url.Values, name string, byDefault, largest int64) (int64, error) {
	text := values.Get(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > largest {
		return 0, invalid(keyInvalidQuery, map[string]any{"field": name})
	}
	return n, nil
}

// isActive reports whether the page shows the queue's jobs. The page encodes
// the name once more than others do.
func (q *queuesQuery) isActive(name string) bool {
	if q.active == name {
		return true
	}
	decoded, err := url.PathUnescape(q.active)
	return err == nil && decoded == name
}

// listQueues answers with every queue, and with the jobs of one of them. The
// number of round trips to Redis does not depend on the number of queues.
func (b *Board) listQueues(c *call) (any, error) {
	query, err := parseQueuesQuery(c.request.URL.Query())
	if err != nil {
		return nil, err
	}
	all, err := b.overviewOf(c.ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	answer := struct {
		Queues []queueView `json:"queues"`
	}{Queues: []queueView{}}
	for i := range all {
		if !c.principal.SeesQueue(all[i].ref.Name) {
			continue
		}
		v := all[i].view(c.principal, &query)
		if query.isActive(v.Name) && c.principal.Has(auth.JobsRead) {
			if v.Jobs, err = b.jobsOf(c, all[i].ref, &query, v.Pagination.Range); err != nil {
				return nil, unavailable(err)
			}
		}
		answer.Queues = append(answer.Queues, v)
	}
	return answer, nil
}

// unavailable keeps a view that is polled from being logged as a fault while
// Redis is away.
func unavailable(err error) error {
	e := refuse(http.StatusServiceUnavailable, keyRedisUnavailable)
	e.body.Details = err.Error()
	return e
}

// jobsOf reads the jobs of one tab. The latest tab has a page of each state.
func (b *Board) jobsOf(c *call, ref bullmq.QueueRef, query *queuesQuery, r pageRange) ([]*jobView, error) {
	states := []string{query.status}
	if query.status == latest {
		states = tabs[1:]
	}
	found := make([][]*bullmq.Job, len(states))
	g, ctx := errgroup.WithContext(c.ctx)
	for i, state := range states {
		g.Go(func() error {
			ids, err := b.opts.Redis.JobIDs(ctx, ref, bullmq.JobState(state), r.Start, r.End, true)
			if err != nil {
				return err
			}
			found[i], err = b.opts.Redis.Jobs(ctx, ref, ids)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	views := []*jobView{}
	seen := map[string]bool{} // a job may have moved between two reads
	for _, jobs := range found {
		for _, j := range jobs {
			if j != nil && !seen[j.ID] {
				seen[j.ID] = true
				views = append(views, newJobView(j))
			}
		}
	}
	return views, nil
}
