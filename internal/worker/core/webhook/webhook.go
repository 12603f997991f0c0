// Package webhook holds the core handler webhook: it posts a message to an
// address that the worker's dialer allows, signed as the Standard Webhooks
// specification says, with a secret of the worker's.
//
// The message's id stays the same however often the message is sent, so that a
// receiver can tell a repetition from a second message.
package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/signing"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/identity"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

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
	m := &message{url: u, id: cmp.Or(in.ID, "msg_"+identity.Of(job)), body: in.Payload, timeout: defaultTimeout}
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
