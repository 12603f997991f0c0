package interop

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// processors say what a Go worker does with the tests' jobs, by job name.
// node/processor.mjs says the same for Node.
var processors = map[string]bullmq.Processor{
	"echo": func(_ context.Context, job *bullmq.Job) (any, error) {
		return map[string]any{"echo": job.Data}, nil
	},
	"nothing": func(context.Context, *bullmq.Job) (any, error) { return nil, nil },
	"report":  report,
	"fail": func(_ context.Context, job *bullmq.Job) (any, error) {
		message, err := messageOf(job)
		if err != nil {
			return nil, err
		}
		return nil, &bullmq.NamedError{Name: "TypeError", Message: message}
	},
	"flaky": func(_ context.Context, job *bullmq.Job) (any, error) {
		var data struct{ Failures int }
		if err := json.Unmarshal(job.Data, &data); err != nil {
			return nil, err
		}
		if job.AttemptsMade < data.Failures {
			return nil, fmt.Errorf("attempt %d failed", job.AttemptsMade+1)
		}
		return job.AttemptsMade, nil
	},
	"hopeless": func(_ context.Context, job *bullmq.Job) (any, error) {
		message, err := messageOf(job)
		if err != nil {
			return nil, err
		}
		return nil, bullmq.Unrecoverable(&bullmq.NamedError{Name: "UnrecoverableError", Message: message})
	},
	"children": func(ctx context.Context, job *bullmq.Job) (any, error) {
		return job.ChildrenValues(ctx)
	},
}

func process(ctx context.Context, job *bullmq.Job) (any, error) {
	run, ok := processors[job.Name]
	if !ok {
		return nil, fmt.Errorf("no processor for %s", job.Name)
	}
	return run(ctx, job)
}

func report(ctx context.Context, job *bullmq.Job) (any, error) {
	if err := job.UpdateProgress(ctx, 25); err != nil {
		return nil, err
	}
	for _, line := range []string{"first line", "second line"} {
		if err := job.Log(ctx, line); err != nil {
			return nil, err
		}
	}
	if err := job.UpdateProgress(ctx, map[string]int{"rows": 3, "of": 4}); err != nil {
		return nil, err
	}
	return "reported", nil
}

func messageOf(job *bullmq.Job) (string, error) {
	var data struct{ Message string }
	err := json.Unmarshal(job.Data, &data)
	return data.Message, err
}
