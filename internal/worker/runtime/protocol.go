package runtime

import (
	"encoding/json"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// protocolVersion is raised when parent and child no longer understand each other.
const protocolVersion = 2

type initializeParams struct {
	Protocol int `json:"protocol"`
	// MaxResultBytes bounds one job's result as JSON.
	MaxResultBytes int `json:"maxResultBytes"`
}

// description is the result of initialize.
type description struct {
	Protocol int         `json:"protocol"`
	Handlers []Described `json:"handlers"`
	// Dependencies are the local files that the module was made of, as far as
	// the child knows.
	Dependencies []string `json:"dependencies"`
}

// Described is a handler as its module describes it.
type Described struct {
	Name         string              `json:"name"`
	Version      string              `json:"version"`
	Description  string              `json:"description"`
	Author       string              `json:"author"`
	DataSchema   json.RawMessage     `json:"dataSchema,omitempty"`
	ResultSchema json.RawMessage     `json:"resultSchema,omitempty"`
	Defaults     *catalogue.Defaults `json:"defaults,omitempty"`
	// KeepAlive asks for the module's process to be started at once and to stay.
	KeepAlive bool `json:"keepAlive,omitempty"`
}

// loadFailure is the data of an error response to initialize.
type loadFailure struct {
	Name   string `json:"name"`
	Stack  string `json:"stack"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Frame  string `json:"frame"`
	// Dependencies are the author's files that were loaded until then.
	Dependencies []string `json:"dependencies"`
}

type cancelParams struct {
	Call   int64  `json:"call"`
	Reason string `json:"reason"`
}

// childParams are the parameters of everything a child sends.
type childParams struct {
	Call   int64           `json:"call"`
	Value  json.RawMessage `json:"value"`
	Line   string          `json:"line"`
	Reason string          `json:"reason"`
	Jobs   json.RawMessage `json:"jobs"`
	Files  []string        `json:"files"`
}

// newJobParams is a job that a child asks to be added.
type newJobParams struct {
	Name  string             `json:"name"`
	Data  json.RawMessage    `json:"data"`
	Queue string             `json:"queue"`
	Opts  *bullmq.JobOptions `json:"opts"`
}

type dependenciesResult struct {
	Processed   int64 `json:"processed"`
	Unprocessed int64 `json:"unprocessed"`
	Ignored     int64 `json:"ignored"`
	Failed      int64 `json:"failed"`
}
