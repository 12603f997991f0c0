package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/signing"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// The states of a delivery in the log.
const (
	StatusDelivered = "delivered"
	StatusRetrying  = "retrying"
	StatusFailed    = "failed"
)

const (
	userAgent = "JobRunner-Webhooks/1"
	// maxResponse is how much of an answer is read, excerpt how much of it is logged.
	maxResponse, excerpt = 64 << 10, 1 << 10
	maxErrorBytes        = 1 << 10
)

// newClient returns a client that follows redirects only where the message
// is sent again as it is, and never to an address that is not allowed.
func newClient(dialer *safedial.Dialer, timeout time.Duration) *http.Client {
	client := dialer.Client(timeout)
	check := client.CheckRedirect
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.Method != http.MethodPost {
			return http.ErrUseLastResponse // a redirect that drops the body is a refusal
		}
		return check(req, via)
	}
	return client
}

func (s *Service) newWorker() (*bullmq.Worker, error) {
	return bullmq.NewWorker(s.backend, QueueName, s.process, &bullmq.WorkerOptions{
		Prefix: s.opts.QueuePrefix, Name: "webhooks", Concurrency: s.opts.Concurrency,
		ShutdownTimeout: s.opts.Timeout + time.Second, Logger: s.opts.Logger,
	})
}

// process runs one attempt of a delivery.
func (s *Service) process(ctx context.Context, job *bullmq.Job) (any, error) {
	var m message
	if err := json.Unmarshal(job.Data, &m); err != nil {
		return nil, bullmq.Unrecoverable(fmt.Errorf("read message: %w", err))
	}
	w, err := s.store.Webhook(ctx, m.WebhookID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !w.Enabled {
		return "dropped", nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.complete(ctx, &m); err != nil {
		return nil, err
	}
	body, err := json.Marshal(m.Payload)
	if err != nil {
		return nil, bullmq.Unrecoverable(fmt.Errorf("write message: %w", err))
	}
	start := s.now()
	result := s.send(ctx, w, job.ID, body)
	if ctx.Err() != nil {
		return nil, ctx.Err() // cut off by the shutdown, which is not the receiver's doing
	}
	result.duration = s.now().Sub(start)
	result.final = result.hopeless() || job.AttemptsMade+1 >= job.Opts.Attempts
	s.record(ctx, w, job, &m, result)
	return s.outcome(ctx, w, result)
}

// complete adds what the event did not carry and the job, if it is still there, knows.
func (s *Service) complete(ctx context.Context, m *message) error {
	d := &m.Payload.Data
	if d.JobID == "" || d.Name != "" && !m.Truncated {
		return nil
	}
	job, err := s.backend.Job(ctx, bullmq.QueueRef{Prefix: s.opts.Prefix, Name: d.Queue}, d.JobID)
	if errors.Is(err, bullmq.ErrJobNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	d.Name = job.Name
	if !m.Truncated {
		return nil
	}
	switch m.Payload.Type {
	case eventNames[bullmq.EventCompleted]:
		d.ReturnValue = job.ReturnValue
	case eventNames[bullmq.EventFailed]:
		d.FailedReason = job.FailedReason
	case eventNames[bullmq.EventProgress]:
		d.Progress = job.Progress
	}
	return nil
}

// attempt is how one attempt of a delivery went.
type attempt struct {
	status   int
	response string
	err      error
	duration time.Duration
	final    bool
}

// hopeless reports whether another attempt can't do better: the receiver says
// that it is gone for good, or is where nothing may be sent.
func (a *attempt) hopeless() bool {
	return a.status == http.StatusGone || errors.Is(a.err, safedial.ErrBlocked)
}

// send posts the message once.
func (s *Service) send(ctx context.Context, w *store.Webhook, id string, body []byte) attempt {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return attempt{err: err}
	}
	if err := s.dialer.CheckURL(req.URL); err != nil {
		return attempt{err: err}
	}
	if err := signing.Sign(req.Header, w.Secret, id, s.now(), body); err != nil {
		return attempt{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", userAgent)
	resp, err := s.client.Do(req)
	if err != nil {
		return attempt{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	// An answer that breaks off still has a status, which is what counts.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	a := attempt{status: resp.StatusCode, response: clip(string(text), excerpt)}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		a.err = fmt.Errorf("the receiver answered HTTP %d", resp.StatusCode)
	}
	return a
}

// record notes the attempt. A log that can't be written must not cause the
// message to be sent again.
func (s *Service) record(ctx context.Context, w *store.Webhook, job *bullmq.Job, m *message, a attempt) {
	d := &store.WebhookDelivery{
		ID: job.ID, WebhookID: w.ID, Event: m.Payload.Type, Queue: m.Payload.Data.Queue, JobID: m.Payload.Data.JobID,
		Status: StatusDelivered, Attempts: job.AttemptsMade + 1, ResponseStatus: a.status, Response: a.response,
		DurationMS: a.duration.Milliseconds(), CreatedAt: job.Timestamp.UnixMilli(), UpdatedAt: s.now().UnixMilli(),
	}
	if a.err != nil {
		d.Error, d.Status = clip(a.err.Error(), maxErrorBytes), StatusRetrying
		if a.final {
			d.Status = StatusFailed
		}
	}
	if err := s.store.RecordDelivery(ctx, d); err != nil {
		s.opts.Logger.WarnContext(ctx, "webhook delivery could not be logged", slog.String("delivery", job.ID), slog.Any("error", err))
	}
}

// outcome tells the queue how the attempt went. A receiver that is gone is not
// told anything any more, as the specification asks.
func (s *Service) outcome(ctx context.Context, w *store.Webhook, a attempt) (any, error) {
	if a.status == http.StatusGone {
		if err := s.store.DisableWebhook(ctx, w.ID, s.now().UnixMilli()); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		s.load(ctx)
	}
	if a.hopeless() {
		return nil, bullmq.Unrecoverable(a.err)
	}
	return a.status, a.err
}

// clip cuts text to at most n bytes of valid UTF-8 that every database takes.
func clip(text string, n int) string {
	if len(text) > n {
		text = text[:n]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}
