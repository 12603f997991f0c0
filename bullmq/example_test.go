package bullmq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func ExampleQueue_Add() {
	ctx := context.Background()
	redis, err := bullmq.OpenRedis(ctx, "redis://127.0.0.1:6379", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	mail, err := bullmq.NewQueue(redis, "mail", nil)
	if err != nil {
		log.Fatal(err)
	}
	job, err := mail.Add(ctx, "welcome", map[string]string{"to": "ada@example.org"}, &bullmq.JobOptions{
		Delay:            time.Minute,
		Attempts:         5,
		Backoff:          &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: time.Second},
		RemoveOnComplete: bullmq.KeepLast(1000),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("added job", job.ID)
}

func ExampleWorker() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	redis, err := bullmq.OpenRedis(ctx, "redis://127.0.0.1:6379", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	send := func(ctx context.Context, job *bullmq.Job) (any, error) {
		var mail struct{ To string }
		if err := json.Unmarshal(job.Data, &mail); err != nil {
			return nil, bullmq.Unrecoverable(err) // Another try would fail as well.
		}
		if err := job.UpdateProgress(ctx, 50); err != nil {
			return nil, err
		}
		return map[string]string{"sent": mail.To}, nil
	}
	worker, err := bullmq.NewWorker(redis, "mail", send, &bullmq.WorkerOptions{Concurrency: 20, Name: "mailer"})
	if err != nil {
		log.Fatal(err)
	}
	// Runs until the signal, then lets running jobs finish.
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

func ExampleFlowProducer() {
	ctx := context.Background()
	redis, err := bullmq.OpenRedis(ctx, "redis://127.0.0.1:6379", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	flow, err := bullmq.NewFlowProducer(redis, nil).Add(ctx, bullmq.FlowJob{
		Name: "publish", Queue: "video",
		Children: []bullmq.FlowJob{
			{Name: "transcode", Queue: "video", Data: map[string]string{"format": "webm"}},
			{Name: "thumbnail", Queue: "images"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("job", flow.Job.ID, "waits for", len(flow.Children), "children")
}

func ExampleQueue_UpsertJobScheduler() {
	ctx := context.Background()
	redis, err := bullmq.OpenRedis(ctx, "redis://127.0.0.1:6379", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	reports, err := bullmq.NewQueue(redis, "reports", nil)
	if err != nil {
		log.Fatal(err)
	}
	next, err := reports.UpsertJobScheduler(ctx, "nightly",
		bullmq.RepeatOptions{Pattern: "0 3 * * *", TZ: "Europe/Berlin"},
		bullmq.JobTemplate{Name: "build-report"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("first run in", next.Delay)
}

func ExampleQueueEvents_Wait() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	redis, err := bullmq.OpenRedis(ctx, "redis://127.0.0.1:6379", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	queue, err := bullmq.NewQueue(redis, "math", nil)
	if err != nil {
		log.Fatal(err)
	}
	events := bullmq.NewQueueEvents(queue, nil)
	go func() {
		if err := events.Run(ctx, nil); err != nil {
			log.Fatal(err)
		}
	}()

	job, err := queue.Add(ctx, "square", 7, nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := events.Wait(ctx, job.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("result:", string(result))
}
