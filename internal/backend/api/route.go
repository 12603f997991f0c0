package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
)

// callTimeout bounds the work behind one request, so that a store that is gone
// costs the caller a short wait and not a hanging connection.
const callTimeout = 3 * time.Second

// basePath is the path all operations stand under.
const basePath = "/api/v1"

// group registers the operations of one resource.
type group struct {
	service *service
	api     huma.API
	tag     string
}

// option changes an operation before it is registered.
type option func(*huma.Operation)

// created makes 201 the status of success.
func created(o *huma.Operation) { o.DefaultStatus = http.StatusCreated }

// describe adds a longer text to the operation's summary.
func describe(text string) option {
	return func(o *huma.Operation) { o.Description = text }
}

// createdOr makes 201 the status of success, and 200 that of an answer with
// something that was there already.
func createdOr(existing string) option {
	return func(o *huma.Operation) {
		created(o)
		metadata(o)["existing"] = existing
	}
}

// createdOnce is createdOr for operations that take an Idempotency-Key.
var createdOnce = createdOr("What an earlier request with the same Idempotency-Key made")

func metadata(o *huma.Operation) map[string]any {
	if o.Metadata == nil {
		o.Metadata = map[string]any{}
	}
	return o.Metadata
}

// within replaces the time the operation may take.
func within(d time.Duration) option {
	return func(o *huma.Operation) { metadata(o)["timeout"] = d }
}

// route registers one operation. The id names it in the document and in clients
// made from it; the path is relative to the API's base path.
func route[I, O any](
	g group, method, path, id, summary string, handler func(context.Context, *I) (*O, error), opts ...option,
) {
	op := huma.Operation{
		OperationID: id, Method: method, Path: basePath + path, Summary: summary, Tags: []string{g.tag},
		// One more than the limit, since huma refuses a body of just so many bytes.
		MaxBodyBytes: g.service.opts.BodyLimit + 1, BodyReadTimeout: 30 * time.Second,
	}
	for _, o := range opts {
		o(&op)
	}
	scope, ok := scopes[method+" "+path]
	if !ok {
		panic(fmt.Sprintf("api: %s %s has no scope", method, path))
	}
	secure(&op, scope)
	timeout, ok := op.Metadata["timeout"].(time.Duration)
	if !ok {
		timeout = callTimeout
	}
	op.Responses = map[string]*huma.Response{}
	huma.Register(g.api, op, func(ctx context.Context, in *I) (*O, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		out, err := handler(ctx, in)
		if err != nil {
			return nil, g.service.refuse(ctx, err)
		}
		return out, nil
	})
	if description, ok := op.Metadata["existing"].(string); ok {
		existing := *op.Responses["201"]
		existing.Description = description
		op.Responses["200"] = &existing
	}
}

// secure notes in the document and for the middleware who may use the operation.
func secure(op *huma.Operation, scope auth.Scope) {
	metadata(op)["scope"] = scope
	op.Extensions = map[string]any{"x-scope": string(scope)}
	if scope == auth.Public {
		op.Extensions["x-scope"] = "public"
		op.Security = []map[string][]string{}
	}
}
