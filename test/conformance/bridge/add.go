package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// newJob is a job to be added. Data and opts are the texts that are stored.
type newJob struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Data      string  `json:"data"`
	Opts      string  `json:"opts"`
	Timestamp float64 `json:"timestamp"`
	Delay     float64 `json:"delay"`
	Priority  int     `json:"priority"`
	LIFO      bool    `json:"lifo"`
	Parent    *struct {
		Queue  string `json:"queue"`
		ID     string `json:"id"`
		Policy string `json:"policy"`
	} `json:"parent"`
	WaitsForChildren bool `json:"waitsForChildren"`
}

func (j *newJob) engine() (bullmq.NewJob, error) {
	var opts bullmq.JobOptions
	if err := json.Unmarshal([]byte(j.Opts), &opts); err != nil {
		return bullmq.NewJob{}, fmt.Errorf("options of job %s: %w", j.Name, err)
	}
	n := bullmq.NewJob{
		ID: j.ID, Name: j.Name, Data: []byte(j.Data), Opts: []byte(j.Opts), Timestamp: time.UnixMilli(int64(j.Timestamp)),
		Delay: millis(j.Delay), Priority: j.Priority, LIFO: j.LIFO,
		Deduplication: opts.Deduplication,
	}
	if j.Parent != nil {
		parent, _ := bullmq.ParseQueueRef(j.Parent.Queue)
		n.Parent = &bullmq.ParentLink{Queue: parent, ID: j.Parent.ID, Policy: j.Parent.Policy}
	}
	return n, nil
}

// added is what became of one job: its id or an error.
type added struct {
	ID    string      `json:"id,omitempty"`
	Error *replyError `json:"error,omitempty"`
}

func describeAdded(results []bullmq.AddResult) []added {
	out := make([]added, len(results))
	for i, r := range results {
		out[i] = added{ID: r.ID, Error: describe(r.Err)}
	}
	return out
}

var addOperations = map[string]operation{
	"addJobs": on(func(ctx context.Context, s *session, q bullmq.QueueRef, p addJobsParams) (any, error) {
		jobs := make([]bullmq.NewJob, len(p.Jobs))
		for i := range p.Jobs {
			var err error
			if jobs[i], err = p.Jobs[i].engine(); err != nil {
				return nil, err
			}
		}
		results, err := s.backend.AddJobs(ctx, q, jobs)
		if err != nil {
			return nil, err
		}
		return describeAdded(results), nil
	}),
	"addFlow": on(func(ctx context.Context, s *session, _ bullmq.QueueRef, p addFlowParams) (any, error) {
		nodes := make([]bullmq.FlowNode, len(p.Nodes))
		for i := range p.Nodes {
			queue, _ := bullmq.ParseQueueRef(p.Nodes[i].Queue)
			job, err := p.Nodes[i].engine()
			if err != nil {
				return nil, err
			}
			nodes[i] = bullmq.FlowNode{Queue: queue, Job: job, WaitsForChildren: p.Nodes[i].WaitsForChildren}
		}
		results, err := s.backend.AddFlow(ctx, nodes)
		return describeAdded(results), err
	}),
}

func millis(ms float64) time.Duration { return time.Duration(ms) * time.Millisecond }

// keepParam reads BullMQ's forms of how many finished jobs are kept.
type keepParam = json.RawMessage

func decodeKeep(text keepParam) (bullmq.Keep, error) {
	keep := bullmq.Keep{Count: -1}
	if len(text) == 0 {
		return keep, nil
	}
	err := json.Unmarshal(text, &keep)
	return keep, err
}

type addJobsParams struct {
	Jobs []newJob `json:"jobs"`
}

type addFlowParams struct {
	Nodes []struct {
		newJob
		Queue string `json:"queue"`
	} `json:"nodes"`
}
