package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

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
	return fmt.Sprintf("No worker of the queue %q has a handler %q. GET /api/v1/handlers lists those there are.", e.Queue, e.Name)
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
const recheck = 100 * time.Millisecond

// Admit checks that a job can be given to a queue: that there is such a queue,
// that its workers have a handler for it and that the data meets the handler's
// schema. It returns an [*UnknownQueueError], [*UnknownHandlerError] or
// [*InvalidDataError] if not.
//
// Where other programs' workers serve the queue, or none is there yet, any name
// is good.
func (d *Directory) Admit(ctx context.Context, queue, name string, data json.RawMessage) error {
	known, err := d.Known(ctx, queue)
	if err != nil {
		return err
	}
	if !known {
		return &UnknownQueueError{queue}
	}
	force, err := d.Workforce(ctx)
	if err != nil {
		return err
	}
	if d.refuse(ctx, force, queue, name, data) == nil {
		return nil
	}
	if force, err = d.workforce(ctx, recheck); err != nil {
		return err
	}
	return d.refuse(ctx, force, queue, name, data)
}

func (d *Directory) refuse(ctx context.Context, force *Workforce, queue, name string, data json.RawMessage) error {
	handlers, all := force.Handlers(queue, name)
	if len(handlers) == 0 {
		if all {
			return &UnknownHandlerError{queue, name}
		}
		return nil
	}
	// While a handler is being replaced, workers have several versions of it; the
	// data is good if one of them takes it.
	var violations []catalogue.Violation
	for i, h := range handlers {
		if len(h.DataSchema) == 0 {
			return nil
		}
		schema, err := d.schemas.Compile(h.DataSchema)
		if err != nil {
			d.opts.Logger.WarnContext(ctx, "schema of handler not usable", slog.String("handler", name), slog.Any("error", err))
			return nil
		}
		found := schema.Validate(data)
		if len(found) == 0 {
			return nil
		}
		if i == 0 {
			violations = found
		}
	}
	return &InvalidDataError{name, violations}
}
