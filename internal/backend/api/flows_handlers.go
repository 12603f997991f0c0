package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/flow"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

func (s *service) listFlows(ctx context.Context, in *PageQuery) (*pageOutput[Flow], error) {
	all, err := s.opts.Flows.Flows(ctx)
	if err != nil {
		return nil, err
	}
	flows := make([]Flow, 0, len(all))
	for _, f := range all {
		if seesFlow(ctx, &f.Definition) == nil {
			flows = append(flows, newFlow(f))
		}
	}
	return slicePage(*in, "flows", flows)
}

func (s *service) createFlow(ctx context.Context, in *createFlowInput) (*createFlowOutput, error) {
	spec := in.Body.spec()
	if err := seesFlow(ctx, &spec.Definition); err != nil {
		return nil, err
	}
	f, err := s.opts.Flows.Create(ctx, spec, auth.FromContext(ctx).ID)
	if err != nil {
		return nil, err
	}
	return &createFlowOutput{Location: basePath + "/flows/" + f.ID, Body: newFlow(f)}, nil
}

func (s *service) getFlow(ctx context.Context, in *FlowPath) (*flowOutput, error) {
	f, err := s.flow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &flowOutput{newFlow(f)}, nil
}

func (s *service) putFlow(ctx context.Context, in *putFlowInput) (*flowOutput, error) {
	f, err := s.flow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	spec := in.Body.spec()
	if err := seesFlow(ctx, &spec.Definition); err != nil {
		return nil, err
	}
	if f, err = s.opts.Flows.Update(ctx, f, spec); err != nil {
		return nil, err
	}
	return &flowOutput{newFlow(f)}, nil
}

func (s *service) deleteFlow(ctx context.Context, in *FlowPath) (*struct{}, error) {
	if _, err := s.flow(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.opts.Flows.Delete(ctx, in.ID)
}

func (s *service) listFlowRuns(ctx context.Context, in *listFlowRunsInput) (*pageOutput[FlowRun], error) {
	from, err := in.offset("flow-runs")
	if err != nil {
		return nil, err
	}
	if _, err := s.flow(ctx, in.ID); err != nil {
		return nil, err
	}
	found, total, err := s.opts.Flows.Runs(ctx, in.ID, from, int64(in.Limit))
	if err != nil {
		return nil, err
	}
	runs := make([]FlowRun, len(found))
	for i, r := range found {
		runs[i] = newFlowRun(r)
	}
	return partOf(runs, "flow-runs", from, total), nil
}

func (s *service) runFlow(ctx context.Context, in *runFlowInput) (*runFlowOutput, error) {
	f, err := s.flow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	body := NewFlowRun{}
	if in.Body != nil {
		body = *in.Body
	}
	id, again, err := idempotently(ctx, s, in.IdempotencyHeader, "flows/"+in.ID+"/runs", body, func(ctx context.Context) (string, error) {
		run, err := s.startFlow(ctx, f, body.Parameters)
		if err != nil {
			return "", err
		}
		return run.ID, nil
	})
	if err != nil {
		return nil, err
	}
	run, err := s.opts.Flows.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &runFlowOutput{Status: http.StatusCreated, Location: basePath + "/flow-runs/" + id, Body: newFlowRunDetail(run)}
	if again {
		out.Status = http.StatusOK
	}
	return out, nil
}

// startFlow checks every job of a run before it adds the first.
func (s *service) startFlow(ctx context.Context, f *flow.Flow, parameters map[string]JSON) (*flow.Run, error) {
	prepared, err := f.Prepare(parameters)
	if err != nil {
		return nil, err
	}
	err = prepared.Root.Walk("definition", func(path string, n *flow.Node) error {
		admission, err := s.opts.Directory.Admit(ctx, directory.Candidate{Queue: n.Queue, Name: n.Name, Data: n.Data})
		if p := notAdmitted(err, path, path+".queue"); p != nil {
			return p
		}
		admission.Complete(&n.Opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	_ = prepared.Root.Walk("", func(_ string, n *flow.Node) error {
		s.noteQueue(n.Queue)
		return nil
	})
	run, err := s.opts.Flows.Start(ctx, prepared, auth.FromContext(ctx).ID)
	if err != nil {
		return nil, jobRefused("definition", err)
	}
	return run, nil
}

func (s *service) getFlowRun(ctx context.Context, in *flowRunInput) (*flowRunOutput, error) {
	run, err := s.opts.Flows.Run(ctx, in.Run)
	if errors.Is(err, store.ErrNotFound) || err == nil && !seesRun(auth.FromContext(ctx), run.Root) {
		return nil, problem.Field(http.StatusNotFound, "flow_run_not_found", "path.run", "There is no flow run of this id.")
	}
	if err != nil {
		return nil, err
	}
	return &flowRunOutput{newFlowRunDetail(run)}, nil
}

// flow returns a flow that the caller may see.
func (s *service) flow(ctx context.Context, id string) (*flow.Flow, error) {
	f, err := s.opts.Flows.Flow(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && seesFlow(ctx, &f.Definition) != nil {
		return nil, problem.Field(http.StatusNotFound, "flow_not_found", "path.id", "There is no flow of this id.")
	}
	return f, err
}

// seesFlow refuses a tree with a queue that the caller may not use.
func seesFlow(ctx context.Context, root *flow.Node) error {
	p := auth.FromContext(ctx)
	return root.Walk("body.definition", func(path string, n *flow.Node) error {
		if !p.SeesQueue(n.Queue) {
			return queueForbidden(path+".queue", n.Queue)
		}
		return nil
	})
}

func seesRun(p *auth.Principal, n *flow.RunNode) bool {
	if !p.SeesQueue(n.Queue) {
		return false
	}
	for _, child := range n.Children {
		if !seesRun(p, child) {
			return false
		}
	}
	return true
}
