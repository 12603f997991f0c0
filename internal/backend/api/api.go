package api

import (
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/audit"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/flow"
	"github.com/jobrunner-dev/jobrunner/internal/backend/webhook"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

const (
	// authTimeout leaves room for passwords to be hashed one after the other.
	authTimeout = 10 * time.Second
	// bulkTimeout leaves room for thousands of jobs.
	bulkTimeout = 20 * time.Second
)

// Options are the parts that the operations work on. All are required but those
// that say otherwise.
type Options struct {
	Auth      *auth.Service
	Audit     *audit.Recorder
	Store     *store.DB
	Redis     *bullmq.Redis
	Prefix    string
	Directory *directory.Directory
	Flows     *flow.Service
	Webhooks  *webhook.Service
	Logger    *slog.Logger
	// OnQueue is told of queues that are made through the API, so that their
	// events are followed from the first. It may be nil.
	OnQueue func(name string)
	// BodyLimit is the size of the largest body that is taken, in bytes.
	BodyLimit int64
	// Version is that of the program.
	Version string
	// StartedAt is when the backend began.
	StartedAt time.Time
	// Now tells the time. Defaults to [time.Now].
	Now func() time.Time
}

// service holds the handlers of all operations.
type service struct{ opts Options }

// Register mounts all operations on the router, under /api/v1.
func Register(router chi.Router, opts Options) huma.API {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &service{opts: opts}
	a := humachi.New(router, config(opts.Version))
	a.UseMiddleware(s.authorize)
	for _, r := range []struct {
		tag      string
		register func(group)
	}{
		{"auth", s.registerAuth},
		{"api-keys", s.registerKeys},
		{"queues", s.registerQueues},
		{"jobs", s.registerJobs},
		{"schedules", s.registerSchedules},
		{"flows", s.registerFlows},
		{"webhooks", func(g group) { registerWebhooks(g, s.opts.Webhooks) }},
		{"system", s.registerSystem},
	} {
		r.register(group{service: s, api: a, tag: r.tag})
	}
	return a
}

// Document returns the OpenAPI document of all operations, as it is committed.
func Document() ([]byte, error) {
	a := Register(chi.NewMux(), Options{Version: "1", BodyLimit: 1})
	return json.MarshalIndent(a.OpenAPI(), "", "  ")
}

func config(version string) huma.Config {
	c := huma.DefaultConfig("JobRunner", version)
	c.Info.Description = "Background jobs over BullMQ queues. Refusals are problem documents (RFC 9457) with a stable code."
	c.Components.Schemas = huma.NewMapRegistry(schemaPrefix, schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "An access token, or an API key"},
		"apiKey": {Type: "apiKey", In: "header", Name: "X-API-Key", Description: "An API key"},
		"cookie": {Type: "apiKey", In: "cookie", Name: auth.AccessCookie, Description: "The access token of a browser that has signed in"},
	}
	c.Security = []map[string][]string{{"bearer": {}}, {"apiKey": {}}, {"cookie": {}}}
	// The document is served beside the API, and there is no page from elsewhere.
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	return c
}

// schemaName names a type's schema; the page of a list of T is TPage.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if item, ok := strings.CutPrefix(name, "Page"); ok && item != "" {
		return item + "Page"
	}
	return name
}
