package board

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/request"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// callTimeout bounds the work behind one request.
const callTimeout = 20 * time.Second

// route is one operation of the page's interface. The segments of its pattern
// that begin with a colon match anything; :queue and :job are looked up before
// the handler runs.
type route struct {
	method  string
	pattern []string
	scope   auth.Scope
	handle  handler
}

// handler does what a route is for. A nil answer is sent as 204.
type handler func(c *call) (any, error)

// call is one request to a route.
type call struct {
	ctx       context.Context //nolint:containedctx // lives as long as the request it stands for
	request   *http.Request
	principal *auth.Principal
	params    map[string]string
	queue     *bullmq.Queue
	job       *bullmq.Job
	body      []byte
}

// empty is the answer of operations that have nothing to say.
type empty struct{}

// table lists the routes in the order in which they are matched: the first one
// that fits is taken, as in the original server, so the specific ones stand first.
func (b *Board) table() []route {
	var routes []route
	add := func(method, pattern string, scope auth.Scope, h handler) {
		routes = append(routes, route{method, strings.Split(pattern, "/"), scope, h})
	}
	read, write, admin := auth.JobsRead, auth.JobsWrite, auth.QueuesAdmin

	add("GET", "redis/stats", auth.QueuesRead, b.redisStats)
	add("GET", "queues", auth.QueuesRead, b.listQueues)
	add("GET", "job-schedulers", auth.SchedulesRead, b.listSchedulers)
	add("GET", "queues/:queue/metrics", auth.QueuesRead, noMetrics)
	add("GET", "queues/:queue/default-job-options", auth.QueuesRead, nothing)
	add("GET", "queues/:queue/workers", auth.QueuesRead, b.listWorkers)
	add("GET", "queues/:queue/rate-limit", auth.QueuesRead, noRateLimit)
	add("GET", "queues/:queue/job-data-schema", auth.QueuesRead, nothing)
	add("PUT", "queues/pause", admin, b.pauseAll)
	add("PUT", "queues/resume", admin, b.resumeAll)
	add("GET", "queues/:queue/:id/logs", read, b.jobLogs)
	add("GET", "queues/:queue/:job/flow", read, b.jobFlow)
	add("GET", "queues/:queue/:job", read, b.getJob)
	add("POST", "queues/:queue/add", write, b.addJob)
	add("PUT", "queues/:queue/retry/:status", write, b.retryAll)
	add("PUT", "queues/:queue/promote", write, b.promoteAll)
	add("PUT", "queues/:queue/clean/:status", admin, b.cleanAll)
	add("PUT", "queues/:queue/pause", admin, b.pauseQueue)
	add("PUT", "queues/:queue/resume", admin, b.resumeQueue)
	add("PUT", "queues/:queue/concurrency", admin, missing(keyForbidden))
	add("PUT", "queues/:queue/rate-limit", admin, missing(keyRateLimitUnsupported))
	add("PUT", "queues/:queue/rate-limit/release", admin, missing(keyRateLimitUnsupported))
	add("PUT", "queues/:queue/empty", admin, b.emptyQueue)
	add("PUT", "queues/:queue/obliterate", admin, missing(keyForbidden))
	add("PUT", "queues/:queue/job-schedulers/:scheduler/remove", auth.SchedulesWrite, b.removeScheduler)
	add("PUT", "queues/:queue/job-schedulers/:scheduler/run", auth.SchedulesWrite, missing(keySchedulerRunMissing))
	add("PATCH", "queues/:queue/job-schedulers/:scheduler", auth.SchedulesWrite, missing(keySchedulerEditMissing))
	add("PUT", "queues/:queue/:job/retry", write, b.retryJob)
	add("PUT", "queues/:queue/:job/clean", write, b.removeJob)
	add("PUT", "queues/:queue/:job/promote", write, b.promoteJob)
	add("PATCH", "queues/:queue/:job/update-data", write, b.updateData)
	add("PATCH", "queues/:queue/:job/delay", write, b.changeDelay)
	add("PATCH", "queues/:queue/:job/priority", write, b.changePriority)
	add("PUT", "queues/:queue/:job/remove-unprocessed-children", write, missing(keyChildrenRemovalMissing))
	return routes
}

func nothing(*call) (any, error) { return empty{}, nil }

// missing refuses what the engine can't do.
func missing(key string) handler {
	return func(*call) (any, error) { return nil, notOffered(key) }
}

// match returns the first route for a path below api/, still percent-encoded,
// and its parameters. Ok is false if there is no such path; a nil route says that
// the path takes other methods.
func (b *Board) match(method, path string) (found *route, params map[string]string, ok bool) {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || plain == "" {
			return nil, nil, false
		}
		segments[i] = plain
	}
	for i := range b.routes {
		r := &b.routes[i]
		params, fits := r.params(segments)
		if fits && r.method == method {
			return r, params, true
		}
		ok = ok || fits
	}
	return nil, nil, ok
}

func (r *route) params(segments []string) (map[string]string, bool) {
	if len(segments) != len(r.pattern) {
		return nil, false
	}
	params := map[string]string{}
	for i, p := range r.pattern {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			params[name] = segments[i]
		} else if p != segments[i] {
			return nil, false
		}
	}
	return params, true
}

// serveAPI answers one request of the page or of a program.
func (b *Board) serveAPI(w http.ResponseWriter, r *http.Request, path string) {
	rt, params, ok := b.match(r.Method, path)
	switch {
	case !ok:
		b.writeError(w, r, refuse(http.StatusNotFound, keyInternal))
		return
	case rt == nil:
		b.writeError(w, r, notOffered(keyForbidden))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	c := &call{ctx: ctx, request: r, params: params}
	answer, err := b.run(c, rt, w)
	switch {
	case err != nil:
		b.writeError(w, r, err)
		return
	case answer == nil:
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, answer)
	}
	if r.Method != http.MethodGet {
		b.overview.forget()
		b.audit(r.Context(), c, path)
	}
}

// run checks who asks for what, looks up the queue and the job, and calls the handler.
func (b *Board) run(c *call, rt *route, w http.ResponseWriter) (any, error) {
	var err error
	if c.principal, err = b.opts.Auth.Authenticate(c.request); err != nil {
		return nil, err
	}
	if !c.principal.Has(rt.scope) {
		e := refuse(http.StatusForbidden, keyForbidden)
		e.body.Message = "This needs the scope " + string(rt.scope) + "."
		return nil, e
	}
	if c.request.Method != http.MethodGet {
		if c.body, err = io.ReadAll(http.MaxBytesReader(w, c.request.Body, b.opts.BodyLimit)); err != nil {
			return nil, refuseBody(err)
		}
	}
	if err := b.lookUp(c); err != nil {
		return nil, err
	}
	return rt.handle(c)
}

func refuseBody(err error) error {
	e := invalid(keyInvalidBody, map[string]any{"field": "body"})
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		e.status, e.body.Message = http.StatusRequestEntityTooLarge, "The body is too large."
	}
	return e
}

// lookUp finds the queue and the job that a path names. A queue that the
// principal may not see is treated as one that does not exist.
func (b *Board) lookUp(c *call) error {
	name, ok := c.params["queue"]
	if !ok {
		return nil
	}
	known, err := b.opts.Directory.Known(c.ctx, name)
	if err != nil {
		return err
	}
	if !known || !c.principal.SeesQueue(name) {
		return refuse(http.StatusNotFound, keyQueueNotFound)
	}
	if c.queue, err = bullmq.NewQueue(b.opts.Redis, name, &bullmq.QueueOptions{Prefix: b.opts.Prefix}); err != nil {
		return refuse(http.StatusNotFound, keyQueueNotFound)
	}
	if id, ok := c.params["job"]; ok {
		c.job, err = c.queue.Job(c.ctx, id)
	}
	return err
}

// decode reads the body into v. No body counts as an empty object; members
// that v does not have are ignored, since the page may send more.
func (c *call) decode(v any) error {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return invalid(keyInvalidBody, map[string]any{"field": "body"})
	}
	return nil
}

func (b *Board) audit(ctx context.Context, c *call, path string) {
	if b.opts.Audit == nil {
		return
	}
	info := request.From(ctx)
	b.opts.Audit.Record(ctx, store.AuditEntry{
		At: time.Now().UnixMilli(), ActorKind: string(c.principal.Kind), ActorID: c.principal.ID, ActorName: c.principal.Name,
		Action: "board", Target: c.request.Method + " " + path, Status: http.StatusOK,
		Address: info.Address, RequestID: info.ID,
	})
}
