package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// errJobOver answers what a handler asks after its job has ended.
var errJobOver = errors.New("the job is over")

// requests are what a child may ask while a job runs in it.
var requests = map[string]func(ctx handler.Context, p *childParams) (any, error){
	"childrenValues": func(ctx handler.Context, _ *childParams) (any, error) { return orEmpty(ctx.ChildrenValues()) },
	"failedChildren": func(ctx handler.Context, _ *childParams) (any, error) { return orEmpty(ctx.FailedChildren()) },
	"dependencies": func(ctx handler.Context, _ *childParams) (any, error) {
		counts, err := ctx.Dependencies()
		return dependenciesResult(counts), err
	},
	"addChildren": func(ctx handler.Context, p *childParams) (any, error) { return addJobs(ctx.AddChildren, p.Jobs) },
	"addJobs":     func(ctx handler.Context, p *childParams) (any, error) { return addJobs(ctx.AddJobs, p.Jobs) },
	"saveState":   func(ctx handler.Context, p *childParams) (any, error) { return nil, ctx.SaveState(p.value()) },
	"updateData":  func(ctx handler.Context, p *childParams) (any, error) { return nil, ctx.UpdateData(p.value()) },
}

// orEmpty makes no map an empty one, for a child that iterates over it.
func orEmpty[V any](values map[string]V, err error) (any, error) {
	if values == nil {
		values = map[string]V{}
	}
	return values, err
}

// value is the given value, null if there is none.
func (p *childParams) value() json.RawMessage {
	if p.Value == nil {
		return json.RawMessage("null")
	}
	return p.Value
}

// onRequest answers a request of a running job. Redis is asked aside, for the
// results of other jobs must not wait for it.
func (i *instance) onRequest(method string, params json.RawMessage, reply linerpc.Reply) {
	answer, known := requests[method]
	if !known {
		reply.Error(linerpc.NoMethod(method))
		return
	}
	var p childParams
	if err := json.Unmarshal(params, &p); err != nil {
		reply.Error(&linerpc.Error{Code: linerpc.CodeParams, Message: "the parameters cannot be read: " + err.Error()})
		return
	}
	ctx := i.job(p.Call)
	if ctx == nil {
		reply.Error(errJobOver)
		return
	}
	select {
	case i.requests <- struct{}{}:
	case <-i.proc.done:
		return
	}
	i.work.Go(func() {
		defer func() { <-i.requests }()
		reply.Either(answer(ctx, &p))
	})
}

// addJobs reads the jobs to add and adds them. A member that nobody knows is
// refused, for it may be a misspelled option that would be missed.
func addJobs(add func(...handler.NewJob) ([]handler.AddedJob, error), text json.RawMessage) (any, error) {
	var list []newJobParams
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("no job was added, they are a list of {name, data, opts, queue}: %w", err)
	}
	jobs := make([]handler.NewJob, len(list))
	for i, j := range list {
		jobs[i] = handler.NewJob{Name: j.Name, Queue: j.Queue, Opts: j.Opts}
		if j.Data != nil {
			jobs[i].Data = j.Data
		}
	}
	return add(jobs...)
}
