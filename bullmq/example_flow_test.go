package bullmq_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func ExampleFlowProducer() {
	ctx := context.Background()
	redis, _ := exampleQueue("example-video")
	defer redis.Close()
	flows := bullmq.NewFlowProducer(redis, nil)
	flow, err := flows.Add(ctx, bullmq.FlowJob{
		Name: "publish", Queue: "example-video",
		Children: []bullmq.FlowJob{
			{Name: "transcode", Queue: "example-video", Data: map[string]string{"format": "webm"}},
			{Name: "thumbnail", Queue: "example-images"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	state, err := flow.Job.State(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(flow.Job.Name, "is", state, "for", len(flow.Children), "children")
	// Output: publish is waiting-children for 2 children
}

// A job that finds out what is to be done only as it runs: it adds children, waits
// for them without holding a slot of the worker, and runs again with their results.
func ExampleWaitForChildren() {
	ctx := context.Background()
	redis, queue := exampleQueue("example-crawl")
	defer redis.Close()
	done := make(chan struct{})
	worker, err := bullmq.NewWorker(redis, "example-crawl", func(ctx context.Context, job *bullmq.Job) (any, error) {
		if job.Name == "page" {
			return 1, nil
		}
		pages, err := job.ChildrenValues(ctx)
		if err != nil || len(pages) > 0 {
			fmt.Println("crawled", len(pages), "pages")
			close(done)
			return len(pages), err
		}
		parent := &bullmq.ParentRef{ID: job.ID, Queue: job.Queue.String()}
		for range 3 {
			if _, err := queue.Add(ctx, "page", nil, &bullmq.JobOptions{Parent: parent}); err != nil {
				return nil, err
			}
		}
		return nil, bullmq.WaitForChildren()
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := queue.Add(ctx, "site", nil, nil); err != nil {
		log.Fatal(err)
	}
	runUntil(done, worker)
	// Output: crawled 3 pages
}
