package api

import "net/http"

// Flow is a tree of jobs that can be run again and again.
type Flow struct {
	ID         string          `json:"id" format:"uuid"`
	Name       string          `json:"name"`
	Definition FlowNode        `json:"definition"`
	Parameters []FlowParameter `json:"parameters"`
	CreatedAt  int64           `json:"createdAt" doc:"In epoch ms"`
	UpdatedAt  int64           `json:"updatedAt" doc:"In epoch ms"`
	CreatedBy  string          `json:"createdBy" doc:"The id of the principal who made it"`
}

// FlowNode is a job of a flow. It runs once all its children have.
type FlowNode struct {
	Name     string     `json:"name" minLength:"1" maxLength:"200" doc:"Workers choose a handler by it"`
	Queue    string     `json:"queue" minLength:"1" maxLength:"200" pattern:"^[^:]+$" patternDescription:"a name without a colon"`
	Data     JSON       `json:"data,omitempty" doc:"Any JSON. {{name}} in its texts stands for the parameter of that name."`
	Opts     JobOptions `json:"opts,omitzero"`
	Children []FlowNode `json:"children,omitempty" maxItems:"1000"`
}

// FlowParameter is a value that a run may give.
type FlowParameter struct {
	Name        string `json:"name" minLength:"1" maxLength:"64" pattern:"^[A-Za-z_][A-Za-z0-9_-]*$" patternDescription:"a letter, then letters, digits, _ and -"`
	Description string `json:"description,omitempty" maxLength:"500"`
	Default     JSON   `json:"default,omitempty" doc:"The value of runs that give none, any JSON; without it the parameter is required"`
}

// FlowSpec is a flow as its author describes it.
type FlowSpec struct {
	Name       string          `json:"name" minLength:"1" maxLength:"200"`
	Definition FlowNode        `json:"definition"`
	Parameters []FlowParameter `json:"parameters,omitempty" maxItems:"100"`
}

// FlowRun is one run of a flow.
type FlowRun struct {
	ID         string          `json:"id" format:"uuid"`
	FlowID     string          `json:"flowId" format:"uuid"`
	FlowName   string          `json:"flowName"`
	State      FlowRunState    `json:"state" enum:"running,completed,failed,unknown" doc:"What became of the root job; unknown if it has been removed"`
	RootQueue  string          `json:"rootQueue"`
	RootJobID  string          `json:"rootJobId"`
	Parameters map[string]JSON `json:"parameters"`
	CreatedAt  int64           `json:"createdAt" doc:"In epoch ms"`
	CreatedBy  string          `json:"createdBy" doc:"The id of the principal who began it"`
}

// FlowRunState is what became of a run.
type FlowRunState string

// FlowRunDetail is a run with the present state of its jobs.
type FlowRunDetail struct {
	FlowRun
	Root FlowRunNode `json:"root"`
}

// FlowRunNode is a job of a run.
type FlowRunNode struct {
	Queue        string        `json:"queue"`
	JobID        string        `json:"jobId"`
	Name         string        `json:"name"`
	State        string        `json:"state" enum:"waiting,active,delayed,prioritized,waiting-children,completed,failed,unknown" doc:"unknown if the job has been removed"`
	Progress     JSON          `json:"progress,omitempty" doc:"Any JSON"`
	ReturnValue  JSON          `json:"returnValue,omitempty" doc:"Any JSON"`
	FailedReason string        `json:"failedReason,omitempty"`
	ProcessedOn  *int64        `json:"processedOn,omitempty" doc:"In epoch ms"`
	FinishedOn   *int64        `json:"finishedOn,omitempty" doc:"In epoch ms"`
	Children     []FlowRunNode `json:"children"`
}

// FlowPath names a flow in the path of an operation.
type FlowPath struct {
	ID string `path:"id" maxLength:"64" doc:"The flow's id"`
}

type createFlowInput struct{ Body FlowSpec }

type putFlowInput struct {
	FlowPath
	Body FlowSpec
}

type flowOutput struct{ Body Flow }

type createFlowOutput struct {
	Location string `header:"Location"`
	Body     Flow
}

// NewFlowRun is a run to begin.
type NewFlowRun struct {
	Parameters map[string]JSON `json:"parameters,omitempty" doc:"The values of the flow's parameters by name"`
}

type runFlowInput struct {
	FlowPath
	IdempotencyHeader
	Body *NewFlowRun
}

type runFlowOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     FlowRunDetail
}

type listFlowRunsInput struct {
	FlowPath
	PageQuery
}

type flowRunInput struct {
	Run string `path:"run" maxLength:"64" doc:"The run's id"`
}

type flowRunOutput struct{ Body FlowRunDetail }

func (s *service) registerFlows(g group) {
	route(g, http.MethodGet, "/flows", "listFlows", "List the flows by name", s.listFlows)
	route(g, http.MethodPost, "/flows", "createFlow", "Define a flow", s.createFlow, created)
	route(g, http.MethodGet, "/flows/{id}", "getFlow", "Get a flow", s.getFlow)
	route(g, http.MethodPut, "/flows/{id}", "putFlow", "Replace a flow's definition", s.putFlow)
	route(g, http.MethodDelete, "/flows/{id}", "deleteFlow", "Delete a flow and the record of its runs", s.deleteFlow)
	route(g, http.MethodGet, "/flows/{id}/runs", "listFlowRuns", "List the runs of a flow, newest first", s.listFlowRuns)
	route(g, http.MethodPost, "/flows/{id}/runs", "runFlow", "Run a flow: add all its jobs at once", s.runFlow, createdOnce)
	route(g, http.MethodGet, "/flow-runs/{run}", "getFlowRun", "Get a run with the present state of its jobs", s.getFlowRun)
}
