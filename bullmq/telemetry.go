package bullmq

import "context"

// TelemetryOptions are what a job carries of its producer's trace.
type TelemetryOptions struct {
	// Metadata is the trace context as text, in the form that the producer's and
	// the worker's tracing agree on; BullMQ's OpenTelemetry package writes a JSON
	// object with "traceparent" and "tracestate".
	Metadata string
	// OmitContext keeps a [Propagator] from adding the trace context.
	OmitContext bool
}

// Propagator carries trace context from the context of who adds a job to the
// context of its processor, through the job's options (wire fact: "tm").
type Propagator interface {
	// Inject writes the trace context. Empty stands for none.
	Inject(ctx context.Context) string
	// Extract returns a context that continues the trace.
	Extract(ctx context.Context, metadata string) context.Context
}

// traced adds the trace context to a job's options.
func (o *JobOptions) traced(ctx context.Context, p Propagator) {
	if p == nil || o.Telemetry != nil && (o.Telemetry.OmitContext || o.Telemetry.Metadata != "") {
		return
	}
	if metadata := p.Inject(ctx); metadata != "" {
		o.Telemetry = &TelemetryOptions{Metadata: metadata}
	}
}
