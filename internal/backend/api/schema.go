package api

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/waiting"
)

// schemaPrefix is where the document has its schemas.
const schemaPrefix = "#/components/schemas/"

// JSON is any JSON value, passed through as it is.
type JSON = json.RawMessage

// JobState is the state of a job, with its values in the document.
type JobState string

// Schema names the states.
func (JobState) Schema(r huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "Where a job is in its life"}
	for _, state := range bullmq.JobStates {
		s.Enum = append(s.Enum, string(state))
	}
	return component(r, "JobState", s)
}

// WaitingReason is why a job waits, with its values in the document.
type WaitingReason string

// Schema names the reasons.
func (WaitingReason) Schema(r huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "What keeps the job from running"}
	for _, kind := range waiting.Kinds {
		s.Enum = append(s.Enum, string(kind))
	}
	return component(r, "WaitingReason", s)
}

// JobOptions are the options of a new job, in BullMQ's form. Members that it
// doesn't have are refused.
type JobOptions struct{ bullmq.JobOptions }

// Schema describes the options.
func (JobOptions) Schema(r huma.Registry) *huma.Schema {
	return component(r, "JobOptions", &huma.Schema{
		Type:                 huma.TypeObject,
		Description:          "How a job is to be run: BullMQ's JobsOptions. Times are in milliseconds, ages in seconds.",
		Properties:           jobOptionProperties(),
		AdditionalProperties: false,
	})
}

// StoredJobOptions are the options a job has, which may include some that only
// other BullMQ programs write.
type StoredJobOptions struct{ bullmq.JobOptions }

// Schema describes the options.
func (StoredJobOptions) Schema(r huma.Registry) *huma.Schema {
	return component(r, "StoredJobOptions", &huma.Schema{
		Type:                 huma.TypeObject,
		Description:          "The options a job has, with any that other BullMQ programs have written.",
		Properties:           jobOptionProperties(),
		AdditionalProperties: true,
	})
}

// component puts a schema among the document's components and refers to it.
func component(r huma.Registry, name string, s *huma.Schema) *huma.Schema {
	if _, ok := r.Map()[name]; !ok {
		s.PrecomputeMessages()
		r.Map()[name] = s
	}
	return &huma.Schema{Ref: schemaPrefix + name}
}

func jobOptionProperties() map[string]*huma.Schema {
	flag := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean, Description: doc} }
	count := func(doc string, atMost float64) *huma.Schema {
		return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Description: doc, Minimum: new(0.0), Maximum: &atMost}
	}
	const farAway = 1 << 53
	return map[string]*huma.Schema{
		"jobId":                     {Type: huma.TypeString, MaxLength: new(512), Description: "The job's id; a job that has it already is not added again"},
		"delay":                     count("How long the job waits before it may run, in ms", farAway),
		"priority":                  count("1 runs first, 2097151 last, and 0 before all of them", bullmq.MaxPriority),
		"lifo":                      flag("Put the job in front of those that wait"),
		"attempts":                  count("How often the job is tried in all", 1<<31-1),
		"backoff":                   backoffSchema(),
		"removeOnComplete":          keepSchema("completed"),
		"removeOnFail":              keepSchema("failed"),
		"keepLogs":                  count("How many log lines are kept, the newest", 1<<31-1),
		"stackTraceLimit":           count("How many stack traces are kept, the newest", 1<<31-1),
		"sizeLimit":                 count("The largest size of the data, in bytes", farAway),
		"timestamp":                 count("When the job counts as created, in epoch ms", farAway),
		"failParentOnFailure":       flag("Fail the parent when this job fails"),
		"continueParentOnFailure":   flag("Let the parent run as soon as this job fails"),
		"ignoreDependencyOnFailure": flag("Count this job's failure as done, and keep its reason with the parent"),
		"removeDependencyOnFailure": flag("Count this job's failure as done"),
	}
}

func backoffSchema() *huma.Schema {
	ms := &huma.Schema{Type: huma.TypeNumber, Minimum: new(0.0), Description: "A fixed pause, in ms"}
	return &huma.Schema{
		Description: "The pause before a further attempt",
		OneOf: []*huma.Schema{ms, {
			Type: huma.TypeObject,
			Properties: map[string]*huma.Schema{
				"type":   {Type: huma.TypeString, Description: "fixed, exponential, or a name that the workers of the queue know"},
				"delay":  {Type: huma.TypeNumber, Minimum: new(0.0), Description: "In ms"},
				"jitter": {Type: huma.TypeNumber, Minimum: new(0.0), Maximum: new(1.0), Description: "The part of the pause that is random"},
			},
			Required:             []string{"type"},
			AdditionalProperties: false,
		}},
	}
}

func keepSchema(state string) *huma.Schema {
	return &huma.Schema{
		Description: "How long " + state + " jobs are kept: true for not at all, false for ever, a count, or an object",
		OneOf: []*huma.Schema{
			{Type: huma.TypeBoolean},
			{Type: huma.TypeInteger, Minimum: new(-1.0)},
			{
				Type: huma.TypeObject,
				Properties: map[string]*huma.Schema{
					"count": {Type: huma.TypeInteger, Minimum: new(-1.0), Description: "How many of the newest are kept"},
					"age":   {Type: huma.TypeNumber, Minimum: new(0.0), Description: "How long each is kept, in seconds"},
					"limit": {Type: huma.TypeInteger, Minimum: new(0.0), Description: "How many one finish removes by age at most"},
				},
				AdditionalProperties: false,
			},
		},
	}
}
