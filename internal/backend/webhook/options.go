package webhook

import (
	"cmp"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// The queue that deliveries wait in. Its prefix keeps it apart from the queues of users.
const (
	QueuePrefix = "jobrunner"
	QueueName   = "webhooks"
)

// Options are the choices of a [Service]; the zero value delivers to the public
// internet only.
type Options struct {
	// Prefix is the key prefix of the queues that webhooks follow. Defaults to
	// [bullmq.DefaultPrefix].
	Prefix string
	// QueuePrefix is the key prefix of the deliveries' queue. Defaults to [QueuePrefix].
	QueuePrefix string
	// Allow and AllowHosts are addresses and host names that may be delivered to
	// although they are not public; see safedial.Options.
	Allow      []netip.Prefix
	AllowHosts []string
	// Timeout bounds one attempt. Defaults to 15 s.
	Timeout time.Duration
	// Attempts is how often a delivery is tried in all. Defaults to 12.
	Attempts int
	// Backoff is the pause after the first failed attempt; it doubles with each.
	// Defaults to 5 s, so that the default attempts spread over about 3 hours.
	Backoff time.Duration
	// Concurrency is how many deliveries run at once. Defaults to 20.
	Concurrency int
	// Refresh is how soon webhooks that another process changed are known here.
	// Defaults to 5 s.
	Refresh time.Duration
	// Retention is how long the log of deliveries is kept. Defaults to 14 days.
	Retention time.Duration
	// Logger receives what concerns the service. Defaults to [slog.Default].
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, bullmq.DefaultPrefix)
	o.QueuePrefix = cmp.Or(o.QueuePrefix, QueuePrefix)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 12)
	o.Backoff = cmp.Or(o.Backoff, 5*time.Second)
	o.Concurrency = cmp.Or(o.Concurrency, 20)
	o.Refresh = cmp.Or(o.Refresh, 5*time.Second)
	o.Retention = cmp.Or(o.Retention, 14*24*time.Hour)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

func (o *Options) validate() error {
	if o.Timeout < 0 || o.Attempts < 0 || o.Backoff < 0 || o.Concurrency < 0 || o.Refresh < 0 || o.Retention < 0 {
		return errors.New("webhook: options must not be negative")
	}
	return nil
}
