package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/event"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

const (
	// maxWebhooks bounds the webhooks that events are matched against.
	maxWebhooks = 1000
	maxURLBytes = 2048
	// secretBytes is the length of a signing key; the specification asks for 24 to 64.
	secretBytes  = 32
	secretPrefix = "whsec_"
)

// InvalidError says what is wrong with a webhook, and where.
type InvalidError struct {
	// Field is the member that was refused: url, events or queues.
	Field, Message string
}

func (e *InvalidError) Error() string { return e.Message }

// Spec is what an author says about a webhook.
type Spec struct {
	// URL is where deliveries go, http or https.
	URL string
	// Events are some of [Events].
	Events []string
	// Queues are patterns of queue names, where * stands for any text; none means all.
	Queues []string
	// Enabled webhooks get deliveries.
	Enabled bool
}

// Author is who makes or changes a webhook.
type Author struct {
	// ID is the id of the principal.
	ID string
	// Queues are the patterns the principal is limited to. The webhook is
	// limited to them as well.
	Queues []string
}

// Service keeps webhooks and delivers to them. It is safe for concurrent use.
type Service struct {
	store   *store.DB
	backend bullmq.Backend
	opts    Options
	dialer  *safedial.Dialer
	client  *http.Client
	queue   *bullmq.Queue
	events  *event.Subscription
	hooks   atomic.Pointer[hookTable]
	loading sync.Mutex // keeps an older table from replacing a newer one
	now     func() time.Time
}

// New returns a service that delivers nothing before [Service.Run], and then
// also what the hub has published since.
func New(db *store.DB, backend bullmq.Backend, hub *event.Hub, opts Options) (*Service, error) {
	if db == nil || backend == nil || hub == nil {
		return nil, errors.New("webhook: a database, a backend and a hub are required")
	}
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	queue, err := bullmq.NewQueue(backend, QueueName, &bullmq.QueueOptions{Prefix: opts.QueuePrefix})
	if err != nil {
		return nil, err
	}
	dialer := safedial.New(safedial.Options{Allow: opts.Allow, AllowHosts: opts.AllowHosts})
	s := &Service{
		store: db, backend: backend, opts: opts, dialer: dialer, client: newClient(dialer, opts.Timeout),
		queue: queue, now: time.Now,
	}
	s.hooks.Store(&hookTable{})
	s.events = hub.Subscribe(event.Position{}, func(m *event.Message) bool { return s.hooks.Load().wanted(m) })
	return s, nil
}

// Run queues and delivers messages until ctx ends, then waits for the
// deliveries under way and returns nil. It may be called once.
func (s *Service) Run(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	worker, err := s.newWorker()
	if err != nil {
		return err
	}
	s.load(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return worker.Run(ctx) })
	g.Go(func() error { s.keepTable(ctx); return nil })
	g.Go(func() error { s.prune(ctx); return nil })
	g.Go(func() error { return s.dispatch(ctx) })
	return g.Wait()
}

// Create stores a new webhook, with the secret that signs its deliveries.
func (s *Service) Create(ctx context.Context, spec Spec, by Author) (*store.Webhook, error) {
	if err := s.validate(&spec); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := s.now().UnixMilli()
	w := &store.Webhook{ID: id.String(), Secret: newSecret(), CreatedBy: by.ID, CreatedAt: now}
	s.fill(w, spec, by, now)
	if err := s.store.CreateWebhook(ctx, w); err != nil {
		return nil, err
	}
	s.load(ctx)
	return w, nil
}

// Update replaces what the author said about a webhook. Its secret stays. It
// returns [store.ErrNotFound] if there is none of this id.
func (s *Service) Update(ctx context.Context, id string, spec Spec, by Author) (*store.Webhook, error) {
	if err := s.validate(&spec); err != nil {
		return nil, err
	}
	w, err := s.store.Webhook(ctx, id)
	if err != nil {
		return nil, err
	}
	s.fill(w, spec, by, s.now().UnixMilli())
	if err := s.store.UpdateWebhook(ctx, w); err != nil {
		return nil, err
	}
	s.load(ctx)
	return w, nil
}

// Webhook returns the webhook of this id, or [store.ErrNotFound].
func (s *Service) Webhook(ctx context.Context, id string) (*store.Webhook, error) {
	return s.store.Webhook(ctx, id)
}

// Webhooks returns up to limit webhooks from offset on, newest first, and how
// many there are in all.
func (s *Service) Webhooks(ctx context.Context, offset, limit int64) ([]store.Webhook, int64, error) {
	return s.store.Webhooks(ctx, offset, limit)
}

// Delete removes a webhook and the log of its deliveries; messages that wait
// for it are dropped. It returns [store.ErrNotFound] if there is none of this id.
func (s *Service) Delete(ctx context.Context, id string) error {
	if err := s.store.DeleteWebhook(ctx, id); err != nil {
		return err
	}
	s.load(ctx)
	return nil
}

// Deliveries returns up to limit deliveries of a webhook from offset on, newest
// first, and how many there are in all. It returns [store.ErrNotFound] if there
// is no such webhook.
func (s *Service) Deliveries(ctx context.Context, id string, offset, limit int64) ([]store.WebhookDelivery, int64, error) {
	if _, err := s.store.Webhook(ctx, id); err != nil {
		return nil, 0, err
	}
	return s.store.Deliveries(ctx, id, offset, limit)
}

func (s *Service) fill(w *store.Webhook, spec Spec, by Author, now int64) {
	w.URL, w.Enabled, w.UpdatedAt = spec.URL, spec.Enabled, now
	w.Events, w.Queues = spec.Events, append([]string{}, spec.Queues...)
	w.VisibleQueues = append([]string{}, by.Queues...)
}

func (s *Service) validate(spec *Spec) error {
	if len(spec.URL) > maxURLBytes {
		return &InvalidError{"url", fmt.Sprintf("The URL has more than %d bytes.", maxURLBytes)}
	}
	u, err := url.Parse(spec.URL)
	if err != nil {
		return &InvalidError{"url", "This is not a URL."}
	}
	if err := s.dialer.CheckURL(u); err != nil {
		return &InvalidError{"url", "Webhooks can't be sent there: " + err.Error() + "."}
	}
	if len(spec.Events) == 0 {
		return &InvalidError{"events", "Name at least one event: " + strings.Join(Events(), ", ") + "."}
	}
	known := Events()
	for i, name := range spec.Events {
		if !slices.Contains(known, name) {
			return &InvalidError{fmt.Sprintf("events[%d]", i), "There is no such event; there are " + strings.Join(known, ", ") + "."}
		}
	}
	spec.Events = slices.Compact(slices.Sorted(slices.Values(spec.Events)))
	return nil
}

func newSecret() string {
	var key [secretBytes]byte
	_, _ = rand.Read(key[:]) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key[:])
}
