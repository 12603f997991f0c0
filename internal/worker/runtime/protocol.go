package runtime

import (
	"encoding/json"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// protocolVersion is raised when parent and shim no longer understand each other.
const protocolVersion = 1

type initializeParams struct {
	Protocol int `json:"protocol"`
	// MaxResultBytes bounds one job's result as JSON.
	MaxResultBytes int `json:"maxResultBytes"`
}

type initializeResult struct {
	Protocol int         `json:"protocol"`
	Handlers []Described `json:"handlers"`
	// Dependencies are the local files that the module was made of, as far as
	// the shim knows.
	Dependencies []string `json:"dependencies"`
}

// Described is a handler as its module describes it.
type Described struct {
	Name         string              `json:"name"`
	Version      string              `json:"version"`
	Description  string              `json:"description"`
	Author       string              `json:"author"`
	DataSchema   json.RawMessage     `json:"dataSchema"`
	ResultSchema json.RawMessage     `json:"resultSchema"`
	Defaults     *catalogue.Defaults `json:"defaults"`
}

// loadFailure is the data of an error response to initialize.
type loadFailure struct {
	Name   string `json:"name"`
	Stack  string `json:"stack"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Frame  string `json:"frame"`
}

type executeParams struct {
	Handler string     `json:"handler"`
	Job     executeJob `json:"job"`
}

// executeJob is handler.Job with its time as JavaScript has it.
type executeJob struct {
	*handler.Job
	TimestampMS int64 `json:"timestamp"`
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
}
