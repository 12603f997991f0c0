package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/signing"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
)

// StatusError says that a receiver did not accept a message.
type StatusError struct {
	Status   int
	Response string
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("the receiver answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Response != "" {
		text += ": " + e.Response
	}
	return text
}

// send posts the message once.
func (s *sender) send(ctx context.Context, m *message) (*Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout, fmt.Errorf("no answer within %s", m.timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url.String(), bytes.NewReader(m.body))
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "JobRunner-Webhooks/1")
	if err := signing.Sign(req.Header, m.secret, m.id, time.Now(), m.body); err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	began := time.Now()
	client := &http.Client{Transport: s.transport, CheckRedirect: s.checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		return nil, failure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // what matters of it was read
	// An answer that breaks off still has a status, which is what counts.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	result := &Result{
		ID: m.id, Status: resp.StatusCode, DurationMS: time.Since(began).Milliseconds(),
		Response: strings.TrimSpace(strings.ToValidUTF8(string(text[:min(len(text), excerpt)]), "\uFFFD")),
	}
	return result, judge(resp, result)
}

// checkRedirect follows redirects that send the message again as it is.
func (s *sender) checkRedirect(req *http.Request, via []*http.Request) error {
	if req.Method != http.MethodPost {
		return http.ErrUseLastResponse // a redirect that drops the body is a refusal
	}
	if len(via) > safedial.MaxRedirects {
		return errors.New("too many redirects")
	}
	return s.opts.Dialer.CheckRedirect(req, via)
}

// judge tells whether the receiver took the message. One that is gone for good
// is not told again; one that refuses may have been mended by the next attempt.
func judge(resp *http.Response, result *Result) error {
	if 200 <= result.Status && result.Status <= 299 {
		return nil
	}
	err := &StatusError{Status: result.Status, Response: result.Response}
	switch {
	case result.Status == http.StatusGone:
		return bullmq.Unrecoverable(err)
	case retry.Temporary(result.Status):
		return retry.Again(err, retry.After(resp.Header, time.Now()))
	default:
		return err
	}
}

func failure(ctx context.Context, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the URL, which may hold a key
	}
	switch {
	case errors.Is(err, safedial.ErrBlocked):
		return bullmq.Unrecoverable(err)
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return retry.Again(err, 0) // receivers know repetitions by their id
}
