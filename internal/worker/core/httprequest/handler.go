// Package httprequest holds the core handler http-request: it sends one HTTP
// request to an address that the worker's dialer allows and returns the response.
//
// Addresses are judged when they are connected to, so neither DNS nor a redirect
// leads to a host that is not allowed. Credentials come from the worker's secrets
// and stay with the host they were meant for. Answers that may be different soon
// are asked for again, within bounds, as [retry] has it.
package httprequest

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

// Options are the choices of the handler.
type Options struct {
	// Dialer decides which addresses may be reached. Required.
	Dialer *safedial.Dialer
	// Secrets are what jobs may authenticate with. Nil has none.
	Secrets *secret.Store
	// MaxResponseBytes bounds the response that is taken in. Defaults to 1 MiB.
	MaxResponseBytes int64
	// Hold is the longest pause between tries that keeps the worker's slot; if a
	// server asks for more, the job is put back. Defaults to 15 s.
	Hold time.Duration
}

const (
	maxTimeout     = 10 * time.Minute
	defaultTimeout = 30 * time.Second
	defaultTotal   = 2 * time.Minute
	maxTotal       = 30 * time.Minute
)

type requester struct {
	opts      Options
	transport *http.Transport
}

// New returns the handler.
func New(opts Options) (*handler.Definition, error) {
	opts.MaxResponseBytes = cmp.Or(opts.MaxResponseBytes, 1<<20)
	opts.Hold = cmp.Or(opts.Hold, 15*time.Second)
	r := &requester{opts: opts, transport: opts.Dialer.Transport()}
	r.transport.DisableKeepAlives = true // jobs go to many hosts; idle connections would pile up
	return handler.New("http-request", r.run, &handler.Options{
		Version: "2.0.0", Author: "JobRunner",
		Description: "Sends an HTTP request and returns the response",
		Defaults: handler.Defaults{
			Attempts: 3, Backoff: &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: 5 * time.Second},
		},
	})
}

// run sends the request until it gets an answer that counts.
func (r *requester) run(ctx handler.Context, in Data) (*Result, error) {
	plan, err := r.plan(in)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	policy := retry.Policy{
		Tries: 1 + *cmp.Or(in.Retries, new(2)), Hold: r.opts.Hold,
		Total: min(millis(in.TotalTimeoutMS, defaultTotal), maxTotal),
	}
	var result *Result
	tries := 0
	err = policy.Do(ctx, func(bounded context.Context) error {
		tries++
		ctx.Logf("%s %s", plan.method, plan.shown())
		var err error
		result, err = r.exchange(bounded, ctx, plan)
		return err
	})
	if err != nil {
		return nil, err
	}
	result.Tries = tries
	return result, nil
}

// exchange sends the request once and reads the response.
func (r *requester) exchange(ctx context.Context, log handler.Context, p *plan) (*Result, error) {
	timeout := fmt.Errorf("no complete response within %s", p.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, timeout)
	defer cancel()
	sent := false
	req, err := p.request(ctx, &sent)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	began := time.Now()
	client := &http.Client{Transport: r.transport, CheckRedirect: p.checkRedirect(r.opts.Dialer)}
	resp, err := client.Do(req)
	if err != nil {
		return nil, p.failure(ctx, err, sent)
	}
	defer func() { _ = resp.Body.Close() }() // what matters of it was read
	body, err := readBounded(resp.Body, p.maxBytes)
	if err != nil {
		return nil, p.failure(ctx, err, sent)
	}
	log.Logf("%d %s, %d bytes in %s", resp.StatusCode, http.StatusText(resp.StatusCode), len(body),
		time.Since(began).Round(time.Millisecond))
	if err := p.judge(resp, body); err != nil {
		return nil, err
	}
	result := &Result{
		Status: resp.StatusCode, Headers: flatten(resp.Header), URL: resp.Request.URL.Redacted(),
		DurationMS: time.Since(began).Milliseconds(),
	}
	result.Body, result.Encoding = present(body, resp.Header.Get("Content-Type"))
	return result, nil
}

func millis(ms int64, otherwise time.Duration) time.Duration {
	if ms <= 0 {
		return otherwise
	}
	return time.Duration(ms) * time.Millisecond
}
