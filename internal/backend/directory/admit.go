package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// UnknownQueueError says that there is no queue of this name.
type UnknownQueueError struct{ Queue string }

func (e *UnknownQueueError) Error() string {
	return fmt.Sprintf("There is no queue %q. Create it with POST /api/v1/queues, or start a worker that serves it.", e.Queue)
}

// UnknownHandlerError says that no worker of the queue could run jobs of this name.
type UnknownHandlerError struct{ Queue, Name string }

func (e *UnknownHandlerError) Error() string {
	return fmt.Sprintf("No worker of the queue %q has a handler %q. GET /api/v1/handlers lists those there are; with ?unknownHandler=wait the job waits for one.", e.Queue, e.Name)
}

// InvalidDataError says that the data of a job does not meet its handler's schema.
type InvalidDataError struct {
	Name       string
	Violations []catalogue.Violation
}

func (e *InvalidDataError) Error() string {
	return fmt.Sprintf("The data does not meet the schema of the handler %q.", e.Name)
}

// recheck is how old what is known of the workers may be when a job is refused
// for it, since a worker may just have begun.
const recheck = 10 * time.Millisecond

// Candidate is a job that is to be added to a queue.
type Candidate struct {
	Queue, Name string
	Data        json.RawMessage
	// Unknown lets a job in that no worker has a handler for, to wait for one.
	Unknown bool
}

// Admission is what the handler of an admitted job advises for it.
type Admission struct{ defaults *catalogue.Defaults }

// Complete fills in what the producer of a job left open: how often it is tried,
// and after what pause.
func (a Admission) Complete(opts *bullmq.JobOptions) {
	if a.defaults == nil {
		return
	}
	if opts.Attempts == 0 {
		opts.Attempts = a.defaults.Attempts
	}
	if opts.Backoff == nil && a.defaults.Backoff != nil {
		opts.Backoff = new(*a.defaults.Backoff)
	}
}

// Admit checks that a job can be given to a queue: that there is such a queue,
// that its workers have a handler for it and that the data meets the handler's
// schema. It returns an [*UnknownQueueError], [*UnknownHandlerError] or
// [*InvalidDataError] if not.
//
// Where other programs' workers serve the queue, or none is there yet, any name
// is good.
func (d *Directory) Admit(ctx context.Context, job Candidate) (Admission, error) {
	known, err := d.Known(ctx, job.Queue)
	if err != nil {
		return Admission{}, err
	}
	if !known {
		return Admission{}, &UnknownQueueError{job.Queue}
	}
	force, err := d.Workforce(ctx)
	if err != nil {
		return Admission{}, err
	}
	admission, refused := d.judge(ctx, force, &job)
	if refused == nil {
		return admission, nil
	}
	if force, err = d.workforce(ctx, recheck); err != nil {
		return Admission{}, err
	}
	return d.judge(ctx, force, &job)
}

func (d *Directory) judge(ctx context.Context, force *Workforce, job *Candidate) (Admission, error) {
	handlers, all := force.Handlers(job.Queue, job.Name)
	if len(handlers) == 0 {
		if all && !job.Unknown {
			return Admission{}, &UnknownHandlerError{job.Queue, job.Name}
		}
		return Admission{}, nil
	}
	// While a handler is being replaced, workers have several versions of it; the
	// data is good if one of them takes it.
	var violations []catalogue.Violation
	for i, h := range handlers {
		found := d.violations(ctx, &h, job.Data)
		if len(found) == 0 {
			return Admission{h.Defaults}, nil
		}
		if i == 0 {
			violations = found
		}
	}
	return Admission{}, &InvalidDataError{job.Name, violations}
}

// violations are those of the handler's schema. One that cannot be used has none.
func (d *Directory) violations(ctx context.Context, h *catalogue.Handler, data json.RawMessage) []catalogue.Violation {
	if len(h.DataSchema) == 0 {
		return nil
	}
	schema, err := d.schemas.Compile(h.DataSchema)
	if err != nil {
		d.opts.Logger.WarnContext(ctx, "schema of handler not usable", slog.String("handler", h.Name), slog.Any("error", err))
		return nil
	}
	return schema.Validate(data)
}
