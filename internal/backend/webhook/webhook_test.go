package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/webhook"
	"github.com/jobrunner-dev/jobrunner/internal/event"
	"github.com/jobrunner-dev/jobrunner/internal/store"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const patience = 15 * time.Second

type bundle struct {
	redis   *bullmq.Redis
	db      *store.DB
	hubs    []*event.Hub
	all     []*webhook.Service
	service *webhook.Service
	prefix  string
}

// setup runs as many backend processes as asked for, over one Redis and one database.
func setup(t *testing.T, processes int, opts webhook.Options) *bundle {
	t.Helper()
	db, err := store.Open(t.Context(), testenv.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	redis, err := bullmq.OpenRedis(t.Context(), testenv.RedisURL(t), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = redis.Close() })
	b := &bundle{redis: redis, db: db, prefix: testenv.Prefix(t)}
	opts.Prefix, opts.QueuePrefix = b.prefix, testenv.Prefix(t)
	opts.Backoff, opts.Refresh = 10*time.Millisecond, 20*time.Millisecond
	opts.Logger = slog.New(slog.DiscardHandler)

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	for range processes {
		hub, err := event.New(redis, event.Options{Prefix: b.prefix, Discover: -1, Block: 50 * time.Millisecond, Logger: opts.Logger})
		require.NoError(t, err)
		s, err := webhook.New(db, redis, hub, opts)
		require.NoError(t, err)
		running.Go(func() { _ = hub.Run(ctx) })
		running.Go(func() { _ = s.Run(ctx) })
		b.hubs, b.all, b.service = append(b.hubs, hub), append(b.all, s), s
	}
	return b
}

func (b *bundle) queue(t *testing.T, name string) *bullmq.Queue {
	t.Helper()
	q, err := bullmq.NewQueue(b.redis, name, &bullmq.QueueOptions{Prefix: b.prefix})
	require.NoError(t, err)
	for _, hub := range b.hubs {
		require.NoError(t, hub.Follow(t.Context(), name))
	}
	return q
}

func (b *bundle) emit(t *testing.T, queue, kind string, fields ...string) {
	t.Helper()
	client := b.redis.Client()
	cmd := client.B().Xadd().Key(b.prefix+":"+queue+":events").Id("*").FieldValue().FieldValue("event", kind)
	for i := 0; i+1 < len(fields); i += 2 {
		cmd = cmd.FieldValue(fields[i], fields[i+1])
	}
	require.NoError(t, client.Do(t.Context(), cmd.Build()).Error())
}

// delivery is a request that a receiver got.
type delivery struct {
	header http.Header
	body   []byte
	webhook.Payload
}

// receiver answers with the statuses in turn, the last one for ever.
type receiver struct {
	*httptest.Server
	got chan delivery
}

func receive(t *testing.T, statuses ...int) *receiver {
	t.Helper()
	r := &receiver{got: make(chan delivery, 100)}
	var mu sync.Mutex
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		d := delivery{header: req.Header}
		d.body, _ = io.ReadAll(req.Body)
		_ = json.Unmarshal(d.body, &d.Payload)
		mu.Lock()
		status := statuses[0]
		if len(statuses) > 1 {
			statuses = statuses[1:]
		}
		mu.Unlock()
		if status == http.StatusTemporaryRedirect || status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "answer %d", status)
		r.got <- d
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) next(t *testing.T) delivery {
	t.Helper()
	select {
	case d := <-r.got:
		return d
	case <-time.After(patience):
		require.FailNow(t, "nothing was delivered")
		return delivery{}
	}
}

func (b *bundle) create(t *testing.T, url string, spec webhook.Spec) *store.Webhook {
	t.Helper()
	spec.URL, spec.Enabled = url, true
	w, err := b.service.Create(t.Context(), spec, webhook.Author{ID: "u"})
	require.NoError(t, err)
	return w
}

// logged waits for a delivery of the webhook that has this status.
func (b *bundle) logged(t *testing.T, id, status string) store.WebhookDelivery {
	t.Helper()
	var found store.WebhookDelivery
	require.Eventually(t, func() bool {
		list, _, err := b.service.Deliveries(t.Context(), id, 0, 10)
		require.NoError(t, err)
		for _, d := range list {
			if d.Status == status {
				found = d
				return true
			}
		}
		return false
	}, patience, 5*time.Millisecond)
	return found
}

var local = webhook.Options{AllowHosts: []string{"127.0.0.1"}}

func TestDeliveryIsSignedAndTellsTheEvent(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, local)
	r := receive(t, http.StatusNoContent)
	q := b.queue(t, "mail")
	w := b.create(t, r.URL, webhook.Spec{Events: []string{"job.completed", "queue.paused"}})
	require.True(t, strings.HasPrefix(w.Secret, "whsec_"))
	job, err := q.Add(t.Context(), "send", map[string]int{"to": 1}, nil)
	require.NoError(t, err)
	worker, err := bullmq.NewWorker(b.redis, "mail", func(context.Context, *bullmq.Job) (any, error) {
		return map[string]bool{"sent": true}, nil
	}, &bullmq.WorkerOptions{Prefix: b.prefix})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	defer func() { cancel(); require.NoError(t, <-done) }()

	d := r.next(t)
	verifier, err := standardwebhooks.NewWebhook(w.Secret)
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(d.body, d.header))
	require.Error(t, verifier.Verify(append(d.body, ' '), d.header))
	require.Equal(t, "application/json", d.header.Get("Content-Type"))
	require.Equal(t, "job.completed", d.Type)
	require.WithinDuration(t, time.Now(), d.Timestamp, time.Minute)
	require.Equal(t, webhook.Data{Queue: "mail", JobID: job.ID, Name: "send", ReturnValue: json.RawMessage(`{"sent":true}`)}, d.Data)

	require.NoError(t, q.Pause(t.Context()))
	require.Equal(t, "queue.paused", r.next(t).Type)
	logged := b.logged(t, w.ID, webhook.StatusDelivered)
	require.Equal(t, http.StatusNoContent, logged.ResponseStatus)
	require.Equal(t, 1, logged.Attempts)
}

func TestDeliveryIsTriedAgainUnderTheSameID(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, local)
	r := receive(t, http.StatusInternalServerError, http.StatusBadGateway, http.StatusOK)
	b.queue(t, "mail")
	w := b.create(t, r.URL, webhook.Spec{Events: []string{"job.failed"}})
	b.emit(t, "mail", "failed", "jobId", "1", "failedReason", "no route")

	first, second, third := r.next(t), r.next(t), r.next(t)
	require.Equal(t, first.header.Get("Webhook-Id"), third.header.Get("Webhook-Id"))
	require.Equal(t, first.body, second.body)
	require.Equal(t, "no route", third.Data.FailedReason)
	logged := b.logged(t, w.ID, webhook.StatusDelivered)
	require.Equal(t, 3, logged.Attempts)
	require.Equal(t, "answer 200", logged.Response)
	require.Empty(t, logged.Error)
	require.Equal(t, first.header.Get("Webhook-Id"), logged.ID)
}

func TestDeliveryIsGivenUpAfterItsAttempts(t *testing.T) {
	t.Parallel()
	opts := local
	opts.Attempts = 2
	b := setup(t, 1, opts)
	r := receive(t, http.StatusTeapot)
	b.queue(t, "mail")
	w := b.create(t, r.URL, webhook.Spec{Events: []string{"job.failed"}})
	b.emit(t, "mail", "failed", "jobId", "1", "failedReason", "x")
	logged := b.logged(t, w.ID, webhook.StatusFailed)
	require.Equal(t, 2, logged.Attempts)
	require.Equal(t, http.StatusTeapot, logged.ResponseStatus)
	require.Equal(t, "the receiver answered HTTP 418", logged.Error)
}

func TestGoneReceiverIsDisabled(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, local)
	r := receive(t, http.StatusGone)
	b.queue(t, "mail")
	w := b.create(t, r.URL, webhook.Spec{Events: []string{"job.failed"}})
	b.emit(t, "mail", "failed", "jobId", "1", "failedReason", "x")
	require.Equal(t, 1, b.logged(t, w.ID, webhook.StatusFailed).Attempts)
	require.Eventually(t, func() bool {
		got, err := b.service.Webhook(t.Context(), w.ID)
		return err == nil && !got.Enabled
	}, patience, 5*time.Millisecond)
}

func TestRedirectsAreFollowedOnlyWithTheirBody(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, local)
	b.queue(t, "mail")
	kept := receive(t, http.StatusTemporaryRedirect, http.StatusOK)
	w := b.create(t, kept.URL, webhook.Spec{Events: []string{"job.failed"}})
	lost := receive(t, http.StatusFound)
	v := b.create(t, lost.URL, webhook.Spec{Events: []string{"job.failed"}})
	b.emit(t, "mail", "failed", "jobId", "1", "failedReason", "x")

	refused, followed := kept.next(t), kept.next(t)
	require.Equal(t, refused.body, followed.body)
	require.Equal(t, 1, b.logged(t, w.ID, webhook.StatusDelivered).Attempts)
	require.Equal(t, http.StatusFound, b.logged(t, v.ID, webhook.StatusRetrying).ResponseStatus)
}

func TestOnlyChosenQueuesAndEventsAreDelivered(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, local)
	r := receive(t, http.StatusOK)
	for _, name := range []string{"mail-in", "mail-out", "video"} {
		b.queue(t, name)
	}
	spec := webhook.Spec{URL: r.URL, Events: []string{"job.failed", "job.failed"}, Queues: []string{"mail-*"}, Enabled: true}
	w, err := b.service.Create(t.Context(), spec, webhook.Author{ID: "k", Queues: []string{"*-out", "video"}})
	require.NoError(t, err)
	require.Equal(t, []string{"job.failed"}, w.Events)
	for _, queue := range []string{"video", "mail-in", "mail-out"} {
		b.emit(t, queue, "completed", "jobId", "1", "returnvalue", "1")
		b.emit(t, queue, "failed", "jobId", "2", "failedReason", "x")
	}
	d := r.next(t)
	require.Equal(t, "mail-out", d.Data.Queue)
	b.logged(t, w.ID, webhook.StatusDelivered)
	_, total, err := b.service.Deliveries(t.Context(), w.ID, 0, 10)
	require.NoError(t, err)
	require.Equal(t, int64(1), total)
}

func TestManyProcessesDeliverEachEventOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 3, local)
	r := receive(t, http.StatusOK)
	b.queue(t, "mail")
	w := b.create(t, r.URL, webhook.Spec{Events: []string{"job.failed"}})
	// The other processes learn of the webhook by themselves; an event that only
	// one of them announces would prove nothing.
	for _, s := range b.all {
		require.Eventually(t, func() bool { return webhook.Known(s, w.ID) }, patience, time.Millisecond)
	}

	const events = 50
	ids := map[string]int{}
	for i := range events {
		b.emit(t, "mail", "failed", "jobId", fmt.Sprint(i), "failedReason", "x")
	}
	for range events {
		ids[r.next(t).header.Get("Webhook-Id")]++
	}
	require.Len(t, ids, events)
	require.Eventually(t, func() bool {
		_, total, err := b.service.Deliveries(t.Context(), w.ID, 0, 1)
		return err == nil && total == events
	}, patience, 5*time.Millisecond)
	require.Empty(t, r.got)
}

func TestLargeResultsAreReadFromTheJob(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, local)
	r := receive(t, http.StatusOK)
	q := b.queue(t, "mail")
	b.create(t, r.URL, webhook.Spec{Events: []string{"job.progress"}})
	job, err := q.Add(t.Context(), "send", nil, nil)
	require.NoError(t, err)
	large := strings.Repeat("x", 2*event.MaxValueBytes)
	require.NoError(t, job.UpdateProgress(t.Context(), large))
	d := r.next(t)
	require.Equal(t, "send", d.Data.Name)
	require.JSONEq(t, `"`+large+`"`, string(d.Data.Progress))
}

func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, webhook.Options{})
	r := receive(t, http.StatusOK)
	_, err := b.service.Create(t.Context(), webhook.Spec{URL: r.URL, Events: []string{"job.failed"}}, webhook.Author{})
	invalid, ok := errors.AsType[*webhook.InvalidError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "url", invalid.Field)

	// A name passes until it is resolved for the connection.
	b.queue(t, "mail")
	w := b.create(t, strings.Replace(r.URL, "127.0.0.1", "localhost", 1), webhook.Spec{Events: []string{"job.failed"}})
	b.emit(t, "mail", "failed", "jobId", "1", "failedReason", "x")
	logged := b.logged(t, w.ID, webhook.StatusFailed)
	require.Contains(t, logged.Error, "address is not allowed")
	require.Equal(t, 1, logged.Attempts)
	require.Empty(t, r.got)
}

func TestCreateRefusesBadSpecs(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, webhook.Options{})
	tests := map[string]struct {
		spec  webhook.Spec
		field string
	}{
		"scheme":        {webhook.Spec{URL: "ftp://example.com", Events: []string{"job.failed"}}, "url"},
		"no host":       {webhook.Spec{URL: "https:///x", Events: []string{"job.failed"}}, "url"},
		"user name":     {webhook.Spec{URL: "https://a:b@example.com", Events: []string{"job.failed"}}, "url"},
		"not a URL":     {webhook.Spec{URL: "http://[", Events: []string{"job.failed"}}, "url"},
		"long":          {webhook.Spec{URL: "https://example.com/" + strings.Repeat("x", 3000), Events: []string{"job.failed"}}, "url"},
		"metadata":      {webhook.Spec{URL: "http://169.254.169.254/latest", Events: []string{"job.failed"}}, "url"},
		"no events":     {webhook.Spec{URL: "https://example.com"}, "events"},
		"unknown event": {webhook.Spec{URL: "https://example.com", Events: []string{"job.failed", "job.lost"}}, "events[1]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := b.service.Create(t.Context(), tt.spec, webhook.Author{})
			invalid, ok := errors.AsType[*webhook.InvalidError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.field, invalid.Field)
		})
	}
}

func TestWebhooksAreChangedAndDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t, 1, local)
	r, other := receive(t, http.StatusOK), receive(t, http.StatusOK)
	b.queue(t, "mail")
	w := b.create(t, r.URL, webhook.Spec{Events: []string{"job.failed"}})
	changed, err := b.service.Update(t.Context(), w.ID, webhook.Spec{URL: other.URL, Events: []string{"job.completed"}, Enabled: true}, webhook.Author{ID: "u"})
	require.NoError(t, err)
	require.Equal(t, w.Secret, changed.Secret)
	b.emit(t, "mail", "failed", "jobId", "1", "failedReason", "x")
	b.emit(t, "mail", "completed", "jobId", "2", "returnvalue", "1")
	require.Equal(t, "2", other.next(t).Data.JobID)

	hooks, total, err := b.service.Webhooks(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Equal(t, int64(1), total)
	require.Equal(t, other.URL, hooks[0].URL)
	require.NoError(t, b.service.Delete(t.Context(), w.ID))
	require.ErrorIs(t, b.service.Delete(t.Context(), w.ID), store.ErrNotFound)
	_, _, err = b.service.Deliveries(t.Context(), w.ID, 0, 10)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Empty(t, r.got)
}
