package httprequest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
)

// StatusError says that a server answered with a status that fails the job.
type StatusError struct {
	Status int
	// Body is the beginning of what the server sent.
	Body string
}

func (e *StatusError) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status)))
	if e.Body != "" {
		text += ": " + e.Body
	}
	return text
}

// expectation is a status or a class of them, as in "204" and "2xx".
type expectation struct{ from, to int }

func parseExpectations(texts []string) ([]expectation, error) {
	list := make([]expectation, 0, len(texts))
	for _, text := range texts {
		if text == "any" {
			return []expectation{{100, 599}}, nil
		}
		if class, ok := strings.CutSuffix(strings.ToLower(text), "xx"); ok && len(class) == 1 && "1" <= class && class <= "5" {
			from := int(class[0]-'0') * 100
			list = append(list, expectation{from, from + 99})
			continue
		}
		status, err := strconv.Atoi(text)
		if err != nil || status < 100 || status > 599 {
			return nil, fmt.Errorf("expectStatus: %q is neither a status such as 204, nor a class such as 2xx, nor any", text)
		}
		list = append(list, expectation{status, status})
	}
	return list, nil
}

// judge tells whether the response completes the job, may be different soon, or
// fails the job.
func (p *plan) judge(resp *http.Response, body []byte) error {
	status := resp.StatusCode
	expected := status < 400
	if len(p.expect) > 0 {
		expected = slices.ContainsFunc(p.expect, func(e expectation) bool { return e.from <= status && status <= e.to })
	}
	if expected {
		return nil
	}
	const shown = 500
	text := strings.ToValidUTF8(string(body[:min(len(body), shown)]), "\uFFFD")
	err := &StatusError{Status: status, Body: strings.TrimSpace(text)}
	if retry.Temporary(status) {
		return retry.Again(err, retry.After(resp.Header, time.Now()))
	}
	return bullmq.Unrecoverable(err)
}

// failure tells a refusal, which no retry helps, from a failed connection. After
// that a request is sent again unless the server may have acted on it already.
func (p *plan) failure(ctx context.Context, err error, sent bool) error {
	var tooLarge *tooLargeError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errRedirects):
		return bullmq.Unrecoverable(p.redirectError())
	case errors.Is(err, safedial.ErrBlocked), errors.As(err, &tooLarge):
		return bullmq.Unrecoverable(withoutURL(err))
	case errors.As(err, &certificate):
		return withoutURL(err)
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = withoutURL(err)
	}
	if sent && !p.repeatable() {
		return err
	}
	return retry.Again(err, 0)
}

// withoutURL takes the URL, which may hold a key, out of the client's error.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
