// Package webhook holds the core handler webhook: it posts a message to an
// address that the worker's dialer allows, signed as the Standard Webhooks
// specification says, with a secret of the worker's.
//
// The message's id stays the same however often the message is sent, so that a
// receiver can tell a repetition from a second message.
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/signing"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

// Data is what a webhook job asks for.
type Data struct {
	URL       string          `json:"url" jsonschema:"title=URL,description=http or https address of the receiver,format=uri,minLength=1,maxLength=8192"`
	Secret    string          `json:"secret" jsonschema:"title=Secret,description=Name of a secret of the worker (whsec_ and base64) whose hosts include this one,minLength=1,maxLength=200"`
	Payload   json.RawMessage `json:"payload" jsonschema:"title=Payload,description=What to send"`
	Type      string          `json:"type,omitempty" jsonschema:"title=Event type,description=Such as invoice.paid: makes the body {type\\, timestamp\\, data} with the payload as data; without it the payload is the body,maxLength=200"`
	ID        string          `json:"id,omitempty" jsonschema:"title=Message id,description=By which the receiver recognizes a repetition; the job has one of its own,pattern=^[A-Za-z0-9_-]{1\\,200}$"`
	TimeoutMS int64           `json:"timeoutMs,omitempty" jsonschema:"title=Timeout,description=How long one exchange may take in milliseconds,minimum=1,maximum=120000,default=15000"`
	Retries   *int            `json:"retries,omitempty" jsonschema:"title=Retries,description=Further tries within an attempt of the job after 408\\, 425\\, 429\\, 5xx and failed connections,minimum=0,maximum=10,default=2"`
}

// Result says how the message was received.
type Result struct {
	ID     string `json:"id" jsonschema:"title=Message id"`
	Status int    `json:"status" jsonschema:"title=Status"`
	// Response is the beginning of what the receiver answered.
	Response   string `json:"response,omitempty" jsonschema:"title=Response,description=The beginning of the receiver's answer"`
	DurationMS int64  `json:"durationMs" jsonschema:"title=Duration,description=Of the last exchange in milliseconds"`
}

// Options are the choices of the handler.
type Options struct {
	// Dialer decides which addresses may be reached. Required.
	Dialer *safedial.Dialer
	// Secrets are what messages are signed with.
	Secrets *secret.Store
	// Hold is the longest pause between tries that keeps the worker's slot; if a
	// receiver asks for more, the job is put back. Defaults to 15 s.
	Hold time.Duration
}

const (
	defaultTimeout, maxTimeout = 15 * time.Second, 2 * time.Minute
	// total bounds the tries within one attempt.
	total = 2 * time.Minute
	// maxResponse is how much of an answer is read, excerpt how much is kept.
	maxResponse, excerpt = 64 << 10, 1 << 10
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

type sender struct {
	opts      Options
	transport *http.Transport
}

// New returns the handler.
func New(opts Options) (*handler.Definition, error) {
	opts.Hold = cmp.Or(opts.Hold, 15*time.Second)
	s := &sender{opts: opts, transport: opts.Dialer.Transport()}
	s.transport.DisableKeepAlives = true // jobs go to many hosts; idle connections would pile up
	return handler.New("webhook", s.run, &handler.Options{
		Version: "1.0.0", Author: "JobRunner",
		Description: "Posts a message, signed as the Standard Webhooks specification says",
		Defaults: handler.Defaults{
			Attempts: 8, Backoff: &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: 10 * time.Second, Jitter: 0.2},
		},
	})
}

// message is a webhook ready to be sent any number of times.
type message struct {
	url     *url.URL
	id      string
	secret  string
	body    []byte
	timeout time.Duration
}

func (s *sender) run(ctx handler.Context, in Data) (*Result, error) {
	m, err := s.message(ctx.Job(), in)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	policy := retry.Policy{Tries: 1 + *cmp.Or(in.Retries, new(2)), Hold: s.opts.Hold, Total: total}
	var result *Result
	err = policy.Do(ctx, func(bounded context.Context) error {
		ctx.Logf("message %s to %s, %d bytes", m.id, m.url.Host, len(m.body))
		var err error
		result, err = s.send(bounded, m)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (s *sender) message(job *handler.Job, in Data) (*message, error) {
	u, err := url.Parse(in.URL)
	if err != nil {
		return nil, errors.New("url: it is not a URL") // the parser's error repeats it
	}
	if err := s.opts.Dialer.CheckURL(u); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	m := &message{url: u, id: cmp.Or(in.ID, messageID(job)), body: in.Payload, timeout: defaultTimeout}
	if in.TimeoutMS > 0 {
		m.timeout = min(time.Duration(in.TimeoutMS)*time.Millisecond, maxTimeout)
	}
	if in.Type != "" {
		m.body, err = json.Marshal(map[string]any{
			"type": in.Type, "timestamp": job.Timestamp.UTC().Format(time.RFC3339Nano), "data": in.Payload,
		})
		if err != nil {
			return nil, fmt.Errorf("payload: %w", err)
		}
	}
	if m.secret, err = s.opts.Secrets.ForSigning(in.Secret, u); err != nil {
		return nil, err
	}
	if err := signing.Sign(http.Header{}, m.secret, m.id, time.Now(), m.body); err != nil {
		return nil, fmt.Errorf("secret %q: %w", in.Secret, err)
	}
	return m, nil
}

// messageID is the same at every attempt of a job, and no other job's.
func messageID(job *handler.Job) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		job.Prefix, job.Queue, job.ID, strconv.FormatInt(job.Timestamp.UnixMilli(), 10),
	}, "\n")))
	return "msg_" + hex.EncodeToString(sum[:16])
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
