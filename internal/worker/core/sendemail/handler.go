package sendemail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// Options are the choices of the handler.
type Options struct {
	// Connections are the mail servers; see [ParseConnections]. Without one, every
	// job fails.
	Connections *Connections
	// AttachmentDirs are the directories that attachments may be read from.
	AttachmentDirs []string
	// MaxBytes bounds a message as it is sent. Defaults to 25 MiB.
	MaxBytes int64
	// Timeout bounds the exchange with the server. Defaults to 5 min.
	Timeout time.Duration
}

type sender struct{ opts Options }

// New returns the handler.
func New(opts Options) (*handler.Definition, error) {
	if opts.Connections == nil {
		var err error
		if opts.Connections, err = ParseConnections(nil, nil); err != nil {
			return nil, err
		}
	}
	opts.MaxBytes = cmp.Or(opts.MaxBytes, 25<<20)
	opts.Timeout = cmp.Or(opts.Timeout, 5*time.Minute)
	s := &sender{opts}
	return handler.New("send-email", s.run, &handler.Options{
		Version: "1.0.0", Author: "JobRunner",
		Description: "Sends a mail by one of the worker's SMTP connections",
		Defaults: handler.Defaults{
			Attempts: 5, Backoff: &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: time.Minute, Jitter: 0.2},
		},
	})
}

func (s *sender) run(ctx handler.Context, in Data) (*Result, error) {
	c, err := s.opts.Connections.Find(in.Connection)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	m, err := s.compose(ctx.Job(), in, c)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	size, err := encode(m, s.opts.MaxBytes)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	recipients, err := m.GetRecipients()
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	ctx.Logf("message %s, %d bytes, to %d recipients by %s", m.GetMessageID(), size, len(recipients), c.host)
	if err := s.send(ctx, c, m); err != nil {
		return nil, err
	}
	result := &Result{
		MessageID: m.GetMessageID(), Recipients: len(recipients), Bytes: size, Response: strings.TrimSpace(m.ServerResponse()),
	}
	ctx.Logf("accepted: %s", cmp.Or(result.Response, "without words"))
	return result, nil
}

// send hands the message over. What the server refuses for good fails the job
// for good; that it cannot be reached, or does not take the worker's credentials,
// is not the message's fault.
func (s *sender) send(ctx context.Context, c *Connection, m *mail.Msg) error {
	bounded, cancel := context.WithTimeoutCause(ctx, s.opts.Timeout, fmt.Errorf("the mail server was not done within %s", s.opts.Timeout))
	defer cancel()
	client, connection, err := c.client(s.opts.Timeout)
	if err != nil {
		return err
	}
	defer connection.close()
	defer context.AfterFunc(bounded, connection.close)()
	err = client.DialAndSendWithContext(bounded, m)
	if m.IsDelivered() {
		return nil // what went wrong afterwards does not undo it
	}
	if err == nil {
		return errors.New("the mail server did not confirm the message")
	}
	if bounded.Err() != nil {
		return context.Cause(bounded)
	}
	refused, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return fmt.Errorf("mail server %s: %w", c.host, err)
	}
	if refused.ErrorCode() >= 500 {
		return bullmq.Unrecoverable(fmt.Errorf("mail server %s refused the message: %w", c.host, refused))
	}
	return fmt.Errorf("mail server %s did not take the message yet: %w", c.host, refused)
}
