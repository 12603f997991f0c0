package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Func runs one attempt of a job: In is the job's data, Out its result.
type Func[In, Out any] func(ctx Context, in In) (Out, error)

// Options describe a handler; nil or the zero value is fine.
type Options struct {
	// Version is the handler's semantic version. Defaults to "0.0.0".
	Version string
	// Description says in a sentence what the handler does.
	Description string
	// Author names who to ask.
	Author string
	// Defaults are advice for the handler's jobs.
	Defaults Defaults
	// KeepAlive asks for a program of handlers to be started at once and to stay,
	// and not only while there are jobs. Handlers that are compiled in are there anyway.
	KeepAlive bool
	// DataSchema and ResultSchema replace the schemas derived from the types.
	DataSchema   json.RawMessage
	ResultSchema json.RawMessage
}

// Defaults are what a handler's author advises for its jobs. Zero values leave
// the choice to the producer or the worker.
type Defaults struct {
	// Attempts is how often a job is tried in all.
	Attempts int
	// Backoff is the pause before a further attempt.
	Backoff *bullmq.Backoff
	// Timeout is how long an attempt may take.
	Timeout time.Duration
	// Concurrency is how many of the handler's jobs a worker runs at once, over
	// all of its queues.
	Concurrency int
}

// Definition is a handler ready to be registered with a worker.
type Definition struct {
	// Name is the job name that the handler answers.
	Name        string
	Version     string
	Description string
	Author      string
	Defaults    Defaults
	KeepAlive   bool
	// DataSchema and ResultSchema are JSON Schemas. Nil leaves the value free.
	DataSchema   json.RawMessage
	ResultSchema json.RawMessage

	run func(ctx Context) (json.RawMessage, error)
}

// New defines a handler for the jobs of that name, with schemas derived from
// In and Out. Struct tags shape them as github.com/invopop/jsonschema has it;
// a field is required unless its json tag says omitempty or omitzero. An In of
// [json.RawMessage] or any takes whatever comes.
func New[In, Out any](name string, fn Func[In, Out], opts *Options) (*Definition, error) {
	if name == "" {
		return nil, errors.New("handler: a handler needs a name")
	}
	if fn == nil {
		return nil, fmt.Errorf("handler %s: a handler needs a function", name)
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	d := &Definition{
		Name: name, Version: o.Version, Description: o.Description, Author: o.Author, Defaults: o.Defaults, KeepAlive: o.KeepAlive,
		DataSchema: o.DataSchema, ResultSchema: o.ResultSchema,
		run: func(ctx Context) (json.RawMessage, error) { return call(ctx, fn) },
	}
	if d.Version == "" {
		d.Version = "0.0.0"
	}
	var err error
	if d.DataSchema == nil {
		if d.DataSchema, err = schemaOf[In](); err != nil {
			return nil, fmt.Errorf("handler %s: data schema: %w", name, err)
		}
	}
	if d.ResultSchema == nil {
		if d.ResultSchema, err = schemaOf[Out](); err != nil {
			return nil, fmt.Errorf("handler %s: result schema: %w", name, err)
		}
	}
	return d, nil
}

// Run runs one attempt of ctx.Job() and returns its result as JSON. Data that
// does not fit the handler's type is an unrecoverable error. A panic is the
// caller's to recover.
func (d *Definition) Run(ctx Context) (json.RawMessage, error) { return d.run(ctx) }

func call[In, Out any](ctx Context, fn Func[In, Out]) (json.RawMessage, error) {
	var in In
	if err := decode(ctx.Job().Data, &in); err != nil {
		return nil, bullmq.Unrecoverable(fmt.Errorf("the job's data does not fit the handler: %w", err))
	}
	out, err := fn(ctx, in)
	if err != nil {
		return nil, err
	}
	result, err := encode(out)
	if err != nil {
		return nil, bullmq.Unrecoverable(fmt.Errorf("the handler's result is not JSON: %w", err))
	}
	return result, nil
}

// decode reads a job's data, which the engine has found to be JSON. A handler
// that takes it as it is gets it so: reading it twice would cost more than all
// else about a small job.
func decode(data json.RawMessage, in any) error {
	if len(data) == 0 {
		return nil
	}
	if raw, ok := in.(*json.RawMessage); ok {
		*raw = data
		return nil
	}
	return json.Unmarshal(data, in)
}

// encode writes a handler's result. The engine looks at JSON that is given as such.
func encode(out any) (json.RawMessage, error) {
	if raw, ok := out.(json.RawMessage); ok && len(raw) > 0 {
		return raw, nil
	}
	return json.Marshal(out)
}
