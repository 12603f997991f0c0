// Package handler is what Go code imports to write job handlers.
//
// A handler is a function from a job's data to its result, both ordinary Go
// types. [New] makes a [Definition] of it, with JSON Schemas derived from the
// types, so that JobRunner can check job data and draw a form for it:
//
//	type Greeting struct {
//		Name string `json:"name" jsonschema:"title=Name,minLength=1"`
//	}
//
//	greet, err := handler.New("greet", func(ctx handler.Context, in Greeting) (string, error) {
//		ctx.Logf("greeting %s", in.Name)
//		return "Hello, " + in.Name, nil
//	}, nil)
//
// A worker that is compiled with handlers takes them as options. Others run
// them as programs of their own: see [Main].
//
// A handler must stop when its [Context] ends. An error fails the attempt;
// wrapped with [bullmq.Unrecoverable] it fails the job, whatever attempts are
// left, and [bullmq.DelayJob] puts the job back for later.
package handler
