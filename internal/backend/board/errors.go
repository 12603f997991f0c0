package board

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
)

// The keys of errors that the page has texts for, as far as they are used here.
const (
	keyForbidden              = "ERRORS.FORBIDDEN"
	keyInternal               = "ERRORS.INTERNAL_SERVER_ERROR"
	keyInvalidQuery           = "ERRORS.INVALID_QUERY_PARAM"
	keyInvalidBody            = "ERRORS.INVALID_REQUEST_BODY"
	keyInvalidPriority        = "ERRORS.INVALID_PRIORITY"
	keyInvalidRunAt           = "ERRORS.INVALID_RUN_AT"
	keyJobActive              = "ERRORS.JOB_IS_ACTIVE"
	keyJobNotDelayed          = "ERRORS.JOB_NOT_DELAYED"
	keyJobNotFound            = "ERRORS.JOB_NOT_FOUND"
	keyJobNotRetriable        = "ERRORS.JOB_NOT_RETRIABLE"
	keyJobOfScheduler         = "ERRORS.JOB_BELONGS_TO_JOB_SCHEDULER"
	keyQueueNotFound          = "ERRORS.QUEUE_NOT_FOUND"
	keyRateLimitUnsupported   = "ERRORS.RATE_LIMIT_NOT_SUPPORTED"
	keyRedisUnavailable       = "ERRORS.REDIS_UNAVAILABLE"
	keySchedulerEditMissing   = "ERRORS.JOB_SCHEDULER_EDIT_NOT_SUPPORTED"
	keySchedulerNotFound      = "ERRORS.JOB_SCHEDULER_NOT_FOUND"
	keySchedulerRunMissing    = "ERRORS.JOB_SCHEDULER_RUN_NOT_SUPPORTED"
	keyStatusNotRetriable     = "ERRORS.STATUS_NOT_RETRIABLE"
	keyChildrenRemovalMissing = "ERRORS.JOB_UNPROCESSED_CHILDREN_NOT_SUPPORTED"
)

// apiError is a refusal in the page's own shape.
type apiError struct {
	status int
	body   errorBody
}

type errorBody struct {
	Error errorKey `json:"error"`
	// Message is a text, or a key with options.
	Message        any    `json:"message,omitempty"`
	Code           string `json:"code,omitempty"`
	Details        string `json:"details,omitempty"`
	JobSchedulerID string `json:"jobSchedulerId,omitempty"`
}

type errorKey struct {
	Key     string         `json:"key"`
	Options map[string]any `json:"options,omitempty"`
}

func (e *apiError) Error() string { return e.body.Error.Key }

func refuse(status int, key string) *apiError {
	return &apiError{status, errorBody{Error: errorKey{Key: key}}}
}

// invalid refuses a part of the request; options are named values for the text.
func invalid(key string, options map[string]any) *apiError {
	return &apiError{http.StatusBadRequest, errorBody{Error: errorKey{key, options}, Code: "INVALID_REQUEST"}}
}

// notOffered refuses what the page knows and this server doesn't.
func notOffered(key string) *apiError {
	e := refuse(http.StatusMethodNotAllowed, key)
	e.body.Message = "JobRunner does not offer this here."
	return e
}

// conditions are the engine's errors with their answers.
var conditions = []struct {
	err    error
	status int
	key    string
}{
	{bullmq.ErrJobNotFound, http.StatusNotFound, keyJobNotFound},
	{bullmq.ErrSchedulerNotFound, http.StatusNotFound, keySchedulerNotFound},
	{bullmq.ErrJobLocked, http.StatusConflict, keyJobActive},
}

// writeError answers with a refusal. What is no refusal is logged and answered
// without its text.
func (b *Board) writeError(w http.ResponseWriter, r *http.Request, err error) {
	var refused *apiError
	if !errors.As(err, &refused) {
		refused = b.explain(r, err)
	}
	writeJSON(w, refused.status, refused.body)
}

func (b *Board) explain(r *http.Request, err error) *apiError {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		e := refuse(p.Status, keyForbidden)
		e.body.Message, e.body.Code = p.Detail, p.Code
		return e
	}
	if v, ok := errors.AsType[*bullmq.ValidationError](err); ok {
		e := invalid(keyInvalidBody, map[string]any{"field": v.Field})
		e.body.Message = v.Message
		return e
	}
	for _, c := range conditions {
		if errors.Is(err, c.err) {
			return refuse(c.status, c.key)
		}
	}
	b.opts.Logger.ErrorContext(r.Context(), "board request failed", slog.String("path", r.URL.Path), slog.Any("error", err))
	return refuse(http.StatusInternalServerError, keyInternal)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":{"key":"`+keyInternal+`"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
