package api

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/flow"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/request"
	"github.com/jobrunner-dev/jobrunner/internal/backend/schedule"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// retryAfter is how long callers are asked to wait for Redis or SQL to come back.
const retryAfter = 2 * time.Second

// refusals are the conditions that callers can meet, with their answers.
var refusals = []struct {
	err    error
	status int
	code   string
	detail string
}{
	{bullmq.ErrJobNotFound, 404, "job_not_found", "There is no job of this id in the queue."},
	{bullmq.ErrSchedulerNotFound, 404, "schedule_not_found", "There is no schedule of this id in the queue."},
	{bullmq.ErrNotInState, 409, "job_not_in_state", "The job is not in a state in which this can be done."},
	{bullmq.ErrJobLocked, 409, "job_locked", "The job, or one of its children, is being processed."},
	{bullmq.ErrJobBelongsToScheduler, 409, "job_belongs_to_schedule", "The job is the next run of a schedule and goes away only with it."},
	{bullmq.ErrPendingDependencies, 409, "job_has_pending_children", "The job has children that have not finished."},
	{bullmq.ErrFailedChildren, 409, "job_has_failed_children", "The job has children that have failed."},
	{bullmq.ErrParentNotFound, 409, "parent_not_found", "The job's parent has been removed."},
	{bullmq.ErrSchedulerSlotTaken, 409, "schedule_slot_taken", "A job for the schedule's next run exists already."},
	{schedule.ErrExists, 409, "schedule_exists", "The queue has a schedule of this id already; replace it with PUT."},
	{store.ErrNotFound, 404, "not_found", "There is nothing of this id."},
	{store.ErrConflict, 409, "conflict", "This exists already."},
}

// refuse turns any error into the problem that is sent. It is the one place
// that maps errors to status and code.
func (s *service) refuse(ctx context.Context, err error) *problem.Problem {
	p := s.problem(ctx, err)
	p.RequestID = request.From(ctx).ID
	return p
}

func (s *service) problem(ctx context.Context, err error) *problem.Problem {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	if p := invalidInput(err); p != nil {
		return p
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return problem.New(r.status, r.code, r.detail)
		}
	}
	if unavailable(err) {
		level := slog.LevelWarn
		if errors.Is(ctx.Err(), context.Canceled) {
			level = slog.LevelDebug // the caller has gone, and nobody reads the answer
		}
		s.opts.Logger.Log(ctx, level, "request failed for want of a store", slog.Any("error", err),
			slog.String("request_id", request.From(ctx).ID))
		return problem.New(http.StatusServiceUnavailable, "unavailable",
			"Redis or the database does not answer at present; try again.").RetryAfter(retryAfter)
	}
	s.opts.Logger.ErrorContext(ctx, "request failed", slog.Any("error", err), slog.String("request_id", request.From(ctx).ID))
	return problem.New(http.StatusInternalServerError, "internal", "The server failed to answer; its log says why.")
}

// invalidInput explains errors about what the caller gave, nil for others.
func invalidInput(err error) *problem.Problem {
	if v, ok := errors.AsType[*bullmq.ValidationError](err); ok {
		return problem.Field(http.StatusUnprocessableEntity, "validation_failed", "body.opts."+v.Field, v.Message)
	}
	if v, ok := errors.AsType[*flow.InvalidError](err); ok {
		return problem.Field(http.StatusUnprocessableEntity, "validation_failed", "body."+v.Path, v.Message)
	}
	return notAdmitted(err, "body", "path.queue")
}

// notAdmitted explains why the directory refused a job, nil for other errors.
// The job stands at a place in the request's body, its queue's name somewhere else.
func notAdmitted(err error, job, queue string) *problem.Problem {
	if e, ok := errors.AsType[*directory.UnknownQueueError](err); ok {
		return problem.Field(http.StatusNotFound, "queue_not_found", queue, e.Error())
	}
	if e, ok := errors.AsType[*directory.UnknownHandlerError](err); ok {
		return problem.Field(http.StatusUnprocessableEntity, "handler_not_found", job+".name", e.Error())
	}
	if e, ok := errors.AsType[*directory.InvalidDataError](err); ok {
		p := problem.New(http.StatusBadRequest, "invalid_data", e.Error())
		for _, v := range e.Violations {
			_ = p.At(job+".data"+dotted(v.Path), v.Message)
		}
		return p
	}
	return nil
}

// dotted writes a JSON pointer the way locations are written here.
func dotted(pointer string) string {
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	var b strings.Builder
	for i, token := range strings.Split(pointer, "/") {
		switch {
		case i == 0:
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		default:
			b.WriteString("." + unescape.Replace(token))
		}
	}
	return b.String()
}

// unavailable tells whether an error comes from a store that is gone, starting
// or too slow to answer.
func unavailable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, rueidis.ErrClosing) {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "53") // going down, or out of resources
	}
	if redis, ok := rueidis.IsRedisErr(err); ok {
		for _, condition := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY ", "OOM", "MISCONF", "NOREPLICAS"} {
			if strings.HasPrefix(redis.Error(), condition) {
				return true
			}
		}
	}
	return false
}

// humaCodes are the codes of refusals that huma makes before a handler runs.
var humaCodes = map[int]struct{ code, detail string }{
	http.StatusBadRequest:            {"malformed_json", "The body is not the JSON that was expected."},
	http.StatusRequestTimeout:        {"body_timeout", "The body did not arrive in time."},
	http.StatusRequestEntityTooLarge: {"body_too_large", "The body is larger than the server takes."},
	http.StatusUnsupportedMediaType:  {"unsupported_media_type", "The body must be application/json."},
	http.StatusUnprocessableEntity:   {"validation_failed", "Some of what was sent is not valid; see errors."},
}

func init() { //nolint:gochecknoinits // huma has no other way to choose the form of its own errors
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError { return humaProblem(status, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
		p := humaProblem(status, errs)
		p.RequestID = request.From(ctx.Context()).ID
		return p
	}
}

func humaProblem(status int, errs []error) *problem.Problem {
	known, ok := humaCodes[status]
	if !ok {
		return problem.New(http.StatusInternalServerError, "internal", "The server failed to answer; its log says why.")
	}
	p := problem.New(status, known.code, known.detail)
	for _, err := range errs {
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			p.Errors = append(p.Errors, problem.FieldError{Location: d.Location, Message: d.Message, Value: shown(d)})
		}
	}
	if len(p.Errors) == 0 && status != http.StatusUnprocessableEntity {
		_ = p.At("body", known.detail)
	}
	return p
}

// shown is the value of a refused field if it is short and no secret.
func shown(d *huma.ErrorDetail) any {
	location := strings.ToLower(d.Location)
	if location == "body" || strings.Contains(location, "password") || strings.Contains(location, "token") || strings.Contains(location, "secret") {
		return nil
	}
	switch v := d.Value.(type) {
	case string:
		if len(v) <= 200 {
			return v
		}
	case float64, bool, int, int64:
		return v
	}
	return nil
}
