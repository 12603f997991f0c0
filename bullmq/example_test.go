package bullmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// exampleQueue opens a queue of the server that the examples run on. A program
// opens its backend once and shares it among its queues and workers.
func exampleQueue(name string) (*bullmq.Redis, *bullmq.Queue) {
	redis, err := bullmq.OpenRedis(context.Background(), testenv.SharedRedisURL(), nil)
	if err != nil {
		panic(err)
	}
	queue, err := bullmq.NewQueue(redis, name, nil)
	if err != nil {
		panic(err)
	}
	return redis, queue
}

// runUntil runs a worker until done is closed.
func runUntil(done <-chan struct{}, worker *bullmq.Worker) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-done; cancel() }()
	if err := worker.Run(ctx); err != nil {
		panic(err)
	}
}

// A producer and a worker, as two programs would have them.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	redis, err := bullmq.OpenRedis(ctx, testenv.SharedRedisURL(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()

	mail, err := bullmq.NewQueue(redis, "example-mail", nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = mail.Add(ctx, "welcome", map[string]string{"to": "ada@example.org"}, nil)
	if err != nil {
		log.Fatal(err)
	}

	send := func(_ context.Context, job *bullmq.Job) (any, error) {
		var data struct{ To string }
		if err := json.Unmarshal(job.Data, &data); err != nil {
			return nil, bullmq.Unrecoverable(err) // Another try would fail as well.
		}
		fmt.Println(job.Name, "to", data.To)
		stop() // One is enough for an example.
		return map[string]bool{"sent": true}, nil
	}
	worker, err := bullmq.NewWorker(redis, "example-mail", send, &bullmq.WorkerOptions{Concurrency: 20})
	if err != nil {
		log.Fatal(err)
	}
	// Runs until the signal, then lets running jobs finish.
	if err := worker.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: welcome to ada@example.org
}

func ExampleQueue_Add() {
	redis, queue := exampleQueue("example-add")
	defer redis.Close()
	job, err := queue.Add(context.Background(), "invoice", map[string]int{"order": 7}, &bullmq.JobOptions{
		ID:               "order-7", // A second job of this id is not added.
		Delay:            time.Minute,
		Attempts:         5,
		Backoff:          &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: time.Second},
		RemoveOnComplete: bullmq.KeepLast(1000),
	})
	if err != nil {
		log.Fatal(err)
	}
	state, err := job.State(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.ID, "is", state)
	// Output: order-7 is delayed
}

// Searches that users start while they type: each one replaces the last, and only
// the one that stays alone for half a second runs.
func ExampleDeduplication() {
	ctx := context.Background()
	redis, queue := exampleQueue("example-search")
	defer redis.Close()
	for _, text := range []string{"b", "bu", "bull"} {
		_, err := queue.Add(ctx, "search", text, &bullmq.JobOptions{
			Delay: 500 * time.Millisecond,
			Deduplication: &bullmq.Deduplication{
				ID: "user-1", TTL: 500 * time.Millisecond, Extend: true, Replace: true,
			},
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	for job, err := range queue.All(ctx, bullmq.StateDelayed) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("planned:", string(job.Data))
	}
	// Output: planned: "bull"
}

func ExampleQueueEvents_Wait() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	redis, queue := exampleQueue("example-math")
	defer redis.Close()
	events := bullmq.NewQueueEvents(queue, nil)
	ended := make(chan error, 1)
	go func() { ended <- events.Run(ctx, nil) }()

	done := make(chan struct{})
	worker, err := bullmq.NewWorker(redis, "example-math", func(_ context.Context, job *bullmq.Job) (any, error) {
		var n int
		err := json.Unmarshal(job.Data, &n)
		return n * n, err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); runUntil(done, worker) }()

	job, err := queue.Add(ctx, "square", 7, nil)
	if err != nil {
		log.Fatal(err)
	}
	result, err := events.Wait(ctx, job.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("result:", string(result))

	close(done)
	<-stopped
	cancel()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output: result: 49
}

func ExampleQueue_UpsertJobScheduler() {
	ctx := context.Background()
	redis, reports := exampleQueue("example-reports")
	defer redis.Close()
	first, err := reports.UpsertJobScheduler(ctx, "nightly",
		bullmq.RepeatOptions{Pattern: "0 3 * * *", TZ: "Europe/Berlin"},
		bullmq.JobTemplate{Name: "build-report"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.Name, "runs within a day:", first.Delay < 25*time.Hour)
	// Output: build-report runs within a day: true
}

func ExampleQueue_Clean() {
	ctx := context.Background()
	redis, queue := exampleQueue("example-clean")
	defer redis.Close()
	_, err := queue.Add(ctx, "old", nil, &bullmq.JobOptions{Timestamp: time.Now().Add(-48 * time.Hour)})
	if err != nil {
		log.Fatal(err)
	}
	ids, err := queue.Clean(ctx, bullmq.CleanOptions{State: bullmq.StateWaiting, Grace: 24 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("removed", len(ids))
	// Output: removed 1
}

func ExampleUnrecoverable() {
	redis, queue := exampleQueue("example-unrecoverable")
	defer redis.Close()
	_, err := queue.Add(context.Background(), "charge", nil, &bullmq.JobOptions{Attempts: 10})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	worker, err := bullmq.NewWorker(redis, "example-unrecoverable", func(context.Context, *bullmq.Job) (any, error) {
		return nil, bullmq.Unrecoverable(errors.New("the card has expired"))
	}, &bullmq.WorkerOptions{Hooks: bullmq.WorkerHooks{
		Failed: func(job *bullmq.Job, err error, final bool) {
			fmt.Println(err, "after", job.AttemptsStarted, "attempt; final:", final)
			close(done)
		},
	}})
	if err != nil {
		log.Fatal(err)
	}
	runUntil(done, worker)
	// Output: the card has expired after 1 attempt; final: true
}
