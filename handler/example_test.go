package handler_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
)

// A handler is a function; handlertest runs it without a worker.
func ExampleNew() {
	type greeting struct {
		Name string `json:"name"`
	}
	greet, err := handler.New("greet", func(ctx handler.Context, in greeting) (string, error) {
		ctx.Logf("greeting %s", in.Name)
		return "Hello, " + in.Name, nil
	}, nil)
	if err != nil {
		panic(err)
	}
	ctx := handlertest.New(context.Background(), handler.Job{Data: json.RawMessage(`{"name":"Ada"}`)})
	result, err := greet.Run(ctx)
	fmt.Println(string(result), err, ctx.Logged())
	// Output: "Hello, Ada" <nil> [greeting Ada]
}

// What a handler has saved is there in the job's further attempts.
func ExampleContext_SaveState() {
	countdown := handler.Must(handler.New("countdown", func(ctx handler.Context, from int) (string, error) {
		left := from
		if state, err := ctx.State(); err != nil {
			return "", err
		} else if state != nil {
			if err := json.Unmarshal(state, &left); err != nil {
				return "", err
			}
		}
		if left == 0 {
			return "lift-off", nil
		}
		if err := ctx.SaveState(left - 1); err != nil {
			return "", err
		}
		return "", bullmq.DelayJob(0) // again, without using up an attempt
	}, nil))
	ctx := handlertest.New(context.Background(), handler.Job{Data: json.RawMessage("2")})
	for range 3 {
		if result, err := countdown.Run(ctx); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(string(result))
		}
	}
	// Output:
	// job is delayed for 0s
	// job is delayed for 0s
	// "lift-off"
}

// A job adds children and runs again when they have ended.
func ExampleContext_AddChildren() {
	album := handler.Must(handler.New("album", func(ctx handler.Context, photos []string) (int, error) {
		counts, err := ctx.Dependencies()
		if err != nil {
			return 0, err
		}
		if counts == (bullmq.DependencyCounts{}) {
			jobs := make([]handler.NewJob, len(photos))
			for i, photo := range photos {
				jobs[i] = handler.NewJob{Name: "thumbnail", Data: photo, Opts: &bullmq.JobOptions{Attempts: 3}}
			}
			if _, err := ctx.AddChildren(jobs...); err != nil {
				return 0, err
			}
			return 0, bullmq.WaitForChildren()
		}
		thumbnails, err := ctx.ChildrenValues()
		return len(thumbnails), err
	}, nil))

	ctx := handlertest.New(context.Background(), handler.Job{Data: json.RawMessage(`["a.jpg","b.jpg"]`)})
	_, err := album.Run(ctx)
	fmt.Println(err, len(ctx.AddedChildren()))

	ctx.Counts = bullmq.DependencyCounts{Processed: 2}
	ctx.Children = map[string]json.RawMessage{"bull:test:2": json.RawMessage(`"a"`), "bull:test:3": json.RawMessage(`"b"`)}
	result, err := album.Run(ctx)
	fmt.Println(string(result), err)
	// Output:
	// job waits for its children 2
	// 2 <nil>
}
