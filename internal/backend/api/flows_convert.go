package api

import (
	"github.com/jobrunner-dev/jobrunner/internal/backend/flow"
)

func (f *FlowSpec) spec() flow.Spec {
	spec := flow.Spec{Name: f.Name, Definition: f.Definition.node(), Parameters: make([]flow.Parameter, len(f.Parameters))}
	for i, p := range f.Parameters {
		spec.Parameters[i] = flow.Parameter(p)
	}
	return spec
}

func (n *FlowNode) node() flow.Node {
	node := flow.Node{Name: n.Name, Queue: n.Queue, Data: n.Data, Opts: n.Opts.JobOptions}
	for i := range n.Children {
		node.Children = append(node.Children, n.Children[i].node())
	}
	return node
}

func newFlow(f *flow.Flow) Flow {
	out := Flow{
		ID: f.ID, Name: f.Name, Definition: newFlowNode(&f.Definition), Parameters: make([]FlowParameter, len(f.Parameters)),
		CreatedAt: f.CreatedAt.UnixMilli(), UpdatedAt: f.UpdatedAt.UnixMilli(), CreatedBy: f.CreatedBy,
	}
	for i, p := range f.Parameters {
		out.Parameters[i] = FlowParameter(p)
	}
	return out
}

func newFlowNode(n *flow.Node) FlowNode {
	node := FlowNode{Name: n.Name, Queue: n.Queue, Data: n.Data, Opts: JobOptions{n.Opts}}
	for i := range n.Children {
		node.Children = append(node.Children, newFlowNode(&n.Children[i]))
	}
	return node
}

func newFlowRun(r *flow.Run) FlowRun {
	out := FlowRun{
		ID: r.ID, FlowID: r.FlowID, FlowName: r.FlowName, State: FlowRunState(r.State),
		RootQueue: r.Root.Queue, RootJobID: r.Root.JobID, Parameters: r.Parameters,
		CreatedAt: r.CreatedAt.UnixMilli(), CreatedBy: r.CreatedBy,
	}
	if out.Parameters == nil {
		out.Parameters = map[string]JSON{}
	}
	return out
}

func newFlowRunDetail(r *flow.Run) FlowRunDetail {
	return FlowRunDetail{FlowRun: newFlowRun(r), Root: newFlowRunNode(r.Root)}
}

func newFlowRunNode(n *flow.RunNode) FlowRunNode {
	out := FlowRunNode{
		Queue: n.Queue, JobID: n.JobID, Name: n.Name, State: string(n.State), Children: make([]FlowRunNode, len(n.Children)),
	}
	if j := n.Job; j != nil {
		out.Progress, out.ReturnValue, out.FailedReason = j.Progress, j.ReturnValue, j.FailedReason
		out.ProcessedOn, out.FinishedOn = millis(j.ProcessedOn), millis(j.FinishedOn)
	}
	for i, child := range n.Children {
		out.Children[i] = newFlowRunNode(child)
	}
	return out
}
