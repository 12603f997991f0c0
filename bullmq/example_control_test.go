package bullmq_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// A program with a loop of its own takes jobs one by one.
func ExampleWorker_NextJob() {
	ctx := context.Background()
	redis, queue := exampleQueue("example-manual")
	defer redis.Close()
	if _, err := queue.Add(ctx, "count", nil, nil); err != nil {
		log.Fatal(err)
	}
	worker, err := bullmq.NewWorker(redis, "example-manual", nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	for {
		job, err := worker.NextJob(ctx, nil)
		if errors.Is(err, bullmq.ErrNoJob) {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if err := job.MoveToCompleted(ctx, "done by hand"); err != nil {
			log.Fatal(err)
		}
		fmt.Println("ended", job.Name)
	}
	// Output: ended count
}

func ExampleWorker_CancelJob() {
	ctx := context.Background()
	redis, queue := exampleQueue("example-cancel")
	defer redis.Close()
	job, err := queue.Add(ctx, "render", nil, &bullmq.JobOptions{Attempts: 3})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	var worker *bullmq.Worker
	worker, err = bullmq.NewWorker(redis, "example-cancel", func(ctx context.Context, _ *bullmq.Job) (any, error) {
		worker.CancelJob(job.ID, "the user closed the window")
		<-ctx.Done()
		return nil, ctx.Err()
	}, &bullmq.WorkerOptions{Hooks: bullmq.WorkerHooks{
		Failed: func(job *bullmq.Job, _ error, _ bool) {
			fmt.Println(job.FailedReason)
			close(done)
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	runUntil(done, worker)
	// Output: the user closed the window
}

// At most 100 calls a second reach the other system, whatever the number of workers.
func ExampleQueue_SetGlobalRateLimit() {
	ctx := context.Background()
	redis, queue := exampleQueue("example-limited")
	defer redis.Close()
	if err := queue.SetGlobalRateLimit(ctx, bullmq.RateLimit{Max: 100, Duration: time.Second}); err != nil {
		log.Fatal(err)
	}
	meta, err := queue.Meta(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(meta.RateLimitMax, "per", meta.RateLimitDuration)
	// Output: 100 per 1s
}

func ExampleQueue_Metrics() {
	ctx := context.Background()
	redis, queue := exampleQueue("example-metrics")
	defer redis.Close()
	worker, err := bullmq.NewWorker(redis, "example-metrics", nil, &bullmq.WorkerOptions{MetricsPoints: 60})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := queue.Add(ctx, "job", nil, nil); err != nil {
		log.Fatal(err)
	}
	job, err := worker.NextJob(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := job.MoveToCompleted(ctx, nil); err != nil {
		log.Fatal(err)
	}
	metrics, err := queue.Metrics(ctx, bullmq.StateCompleted, 0, -1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("completed:", metrics.Count)
	// Output: completed: 1
}
