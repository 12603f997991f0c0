package fanout

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

const (
	name = "fan-out"
	// chunk is how many children are added in one transaction.
	chunk = 500
	// maxFailures is how many failures are listed in a result.
	maxFailures = 100
)

// Options are the choices of the handler.
type Options struct {
	// Queues are the queues that children may go to beside the job's own; * stands
	// for any text.
	Queues []string
	// MaxItems bounds the items of a job. Defaults to 10,000.
	MaxItems int
	// MaxBytes bounds the data of all children of a job together. Defaults to 32 MiB.
	MaxBytes int
	// MaxResultBytes bounds the results that stand in the job's own. Defaults to 1 MiB.
	MaxResultBytes int
}

type fanner struct{ opts Options }

// New returns the handler.
func New(opts Options) (*handler.Definition, error) {
	opts.MaxItems = cmp.Or(opts.MaxItems, 10_000)
	opts.MaxBytes = cmp.Or(opts.MaxBytes, 32<<20)
	opts.MaxResultBytes = cmp.Or(opts.MaxResultBytes, 1<<20)
	f := &fanner{opts}
	return handler.New(name, f.run, &handler.Options{
		Version: "1.0.0", Author: "JobRunner",
		Description: "Adds a child job for each item of a list, waits for them and collects their results",
		Defaults:    handler.Defaults{Attempts: 3},
	})
}

// ChildError says that a child failed of a job that allows no failures.
type ChildError struct {
	Index  int
	Reason string
}

func (e *ChildError) Error() string { return fmt.Sprintf("child %d failed: %s", e.Index, e.Reason) }

// FailuresError says that more children failed than the job allows.
type FailuresError struct {
	Failed, Children, Allowed int
	// First is the reason of the first.
	First string
}

func (e *FailuresError) Error() string {
	return fmt.Sprintf("%d of %d children failed, more than the %d allowed; the first: %s", e.Failed, e.Children, e.Allowed, e.First)
}

func (f *fanner) run(ctx handler.Context, in Data) (*Result, error) {
	p, err := f.plan(ctx.Job(), in)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	run, begins, err := runOf(ctx)
	if err != nil {
		return nil, err
	}
	if begins {
		// Children of an earlier run may still be on their way.
		if counts, err := ctx.Dependencies(); err != nil {
			return nil, err
		} else if counts.Unprocessed > 0 {
			return nil, bullmq.WaitForChildren()
		}
	}
	ended, err := collect(ctx, p, run)
	if err != nil {
		return nil, err
	}
	if err := ended.judge(in); err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	missing := slices.DeleteFunc(slices.Clone(p.batches), func(b batch) bool { return ended[b.index].ended })
	if len(missing) > 0 {
		if err := add(ctx, p, run, missing); err != nil {
			return nil, err
		}
		return nil, bullmq.WaitForChildren()
	}
	result := ended.result(in, f.opts.MaxResultBytes)
	ctx.Logf("%d children completed, %d failed", result.Completed, result.Failed)
	if result.Omitted {
		ctx.Logf("the results have more than %d bytes and were left out", f.opts.MaxResultBytes)
	}
	return result, nil
}

// add adds children for the batches. Those that this run has added before are
// there already and stay as they are.
func add(ctx handler.Context, p *plan, run string, missing []batch) error {
	known := len(p.batches) - len(missing)
	for list := range slices.Chunk(missing, chunk) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		jobs := make([]handler.NewJob, len(list))
		for i, b := range list {
			job, err := p.job(b, run)
			if err != nil {
				return bullmq.Unrecoverable(err)
			}
			jobs[i] = job
		}
		if _, err := ctx.AddChildren(jobs...); err != nil {
			return err
		}
		known += len(list)
		ctx.Progress(Progress{Added: known, Total: len(p.batches)})
	}
	ctx.Logf("added %d children; the job goes on when they have ended", len(missing))
	return nil
}
