// Package problem is the one form in which the backend refuses a request: the
// problem documents of RFC 9457, with a stable code for programs and the fields
// that were refused.
package problem

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// FieldError names one part of a request that was refused.
type FieldError struct {
	Location string `json:"location" doc:"Where the fault is, such as body.opts.priority, query.limit or path.queue"`
	Message  string `json:"message" doc:"What is wrong with it"`
	Value    any    `json:"value,omitempty" doc:"What was given, if it is short and no secret"`
}

// Problem is a refusal. It is an error that handlers return, and the document
// that is sent.
type Problem struct {
	Type      string       `json:"type" doc:"A URI reference for the kind of problem; about:blank says that the status explains it" example:"about:blank"`
	Title     string       `json:"title" doc:"The meaning of the status" example:"Unprocessable Entity"`
	Status    int          `json:"status" doc:"The HTTP status" example:"422"`
	Detail    string       `json:"detail" doc:"What went wrong and what to do about it, for people"`
	Code      string       `json:"code" doc:"What went wrong, for programs; codes never change" example:"validation_failed"`
	RequestID string       `json:"requestId,omitempty" doc:"The id under which the server logged the request"`
	Errors    []FieldError `json:"errors,omitempty" doc:"The parts of the request that were refused"`

	header http.Header
}

// New returns a problem with a status, a code for programs and a text for people.
func New(status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
}

// Field returns a problem about one part of the request, with the same text as
// its detail and at its location.
func Field(status int, code, location, message string) *Problem {
	return New(status, code, message).At(location, message)
}

// At adds a refused part and returns the problem.
func (p *Problem) At(location, message string) *Problem {
	p.Errors = append(p.Errors, FieldError{Location: location, Message: message})
	return p
}

// RetryAfter says when to try again and returns the problem.
func (p *Problem) RetryAfter(d time.Duration) *Problem {
	return p.withHeader("Retry-After", strconv.Itoa(max(1, int(d.Round(time.Second).Seconds()))))
}

// Challenge adds the WWW-Authenticate header of a 401 and returns the problem.
func (p *Problem) Challenge(value string) *Problem {
	return p.withHeader("WWW-Authenticate", value)
}

func (p *Problem) withHeader(name, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

// Error returns the text for people.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with the document.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType turns the type of a JSON answer into that of a problem.
func (p *Problem) ContentType(string) string { return ContentType }

// Write sends err as a problem document. An error that is no [Problem] is sent
// as an internal error without its text, for that may hold what callers must not see.
func Write(w http.ResponseWriter, requestID string, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = New(http.StatusInternalServerError, "internal", "The server failed to answer; its log says why.")
	}
	out := *p
	out.RequestID = requestID
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(out.Status)
	_ = json.NewEncoder(w).Encode(&out) // the client has gone if this fails
}
