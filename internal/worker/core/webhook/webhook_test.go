package webhook_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/webhook"
)

const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func define(t *testing.T) *handler.Definition {
	t.Helper()
	secrets, err := secret.Parse([]string{"hook=env:KEY?host=127.0.0.1", "own=env:KEY", "odd=env:ODD?host=127.0.0.1"},
		func(name string) string { return map[string]string{"KEY": key, "ODD": "hush!"}[name] })
	require.NoError(t, err)
	d, err := webhook.New(webhook.Options{Dialer: coretest.Loopback(), Secrets: secrets, Hold: time.Second})
	require.NoError(t, err)
	return d
}

// receiver is a real receiver: it verifies signatures with the specification's
// own library, and answers with the statuses in turn, the last one for ever.
type receiver struct {
	url string

	mu     sync.Mutex
	bodies []string // guarded by mu
	ids    []string // guarded by mu
}

func receive(t *testing.T, statuses ...int) *receiver {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(key)
	require.NoError(t, err)
	r := &receiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err == nil {
			err = verifier.Verify(body, req.Header)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		status := statuses[min(len(r.ids), len(statuses)-1)]
		r.bodies, r.ids = append(r.bodies, string(body)), append(r.ids, req.Header.Get("webhook-id"))
		switch status {
		case http.StatusFound, http.StatusPermanentRedirect:
			http.Redirect(w, req, "/moved", status)
		default:
			w.Header().Set("Retry-After", "0.01")
			http.Error(w, "thank you", status)
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) seen() (bodies, ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies, r.ids
}

func job(t *testing.T, r *receiver, rest string) *handlertest.Context {
	t.Helper()
	return coretest.New(t.Context(), "webhook", fmt.Sprintf(`{"url":%q,"secret":"hook",%s}`, r.url+"/in", rest))
}

func TestAReceiverCanTellWhoSentTheMessage(t *testing.T) {
	t.Parallel()
	r := receive(t, http.StatusOK)
	ctx := job(t, r, `"payload":{"b":1,"a":"<"}`)
	result := coretest.Result[webhook.Result](t, define(t), ctx)
	bodies, ids := r.seen()
	require.Equal(t, []string{`{"b":1,"a":"<"}`}, bodies)
	require.Equal(t, result.ID, ids[0])
	require.Equal(t, "thank you", result.Response)
	require.NotContains(t, strings.Join(ctx.Logged(), ""), "MfKQ")

	named := coretest.Result[webhook.Result](t, define(t), job(t, r, `"payload":5,"id":"evt_1"`))
	require.Equal(t, "evt_1", named.ID)
}

func TestATypeMakesTheUsualEnvelope(t *testing.T) {
	t.Parallel()
	r := receive(t, http.StatusAccepted)
	ctx := job(t, r, `"payload":{"a":1},"type":"invoice.paid"`)
	ctx.Job().Timestamp = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	_, err := coretest.Run(t, define(t), ctx)
	require.NoError(t, err)
	bodies, _ := r.seen()
	require.JSONEq(t, `{"type":"invoice.paid","timestamp":"2026-03-01T12:00:00Z","data":{"a":1}}`, bodies[0])
}

func TestARepetitionHasTheSameID(t *testing.T) {
	t.Parallel()
	r := receive(t, http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusPermanentRedirect, http.StatusBadRequest, http.StatusOK)
	ctx := job(t, r, `"payload":1`)
	_, err := coretest.Run(t, define(t), ctx)
	coretest.RequireFinal(t, err, false, "the receiver answered 400 Bad Request: thank you")
	ctx.Job().Attempt, ctx.Job().AttemptsStarted = 2, 2
	_, err = coretest.Run(t, define(t), ctx)
	require.NoError(t, err)
	_, ids := r.seen()
	require.Len(t, ids, 5)
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
}

func TestMessagesThatCannotArriveFailForGood(t *testing.T) {
	t.Parallel()
	gone, moved := receive(t, http.StatusGone), receive(t, http.StatusFound)
	for name, tt := range map[string]struct {
		data, want string
		final      bool
	}{
		"gone":                  {fmt.Sprintf(`{"url":%q,"secret":"hook","payload":1}`, gone.url), "410 Gone", true},
		"body would be lost":    {fmt.Sprintf(`{"url":%q,"secret":"hook","payload":1}`, moved.url), "302 Found", false},
		"private":               {`{"url":"http://10.0.0.1/","secret":"hook","payload":1}`, "not allowed", true},
		"unknown secret":        {fmt.Sprintf(`{"url":%q,"secret":"none","payload":1}`, gone.url), `no secret named "none"`, true},
		"secret for no job":     {fmt.Sprintf(`{"url":%q,"secret":"own","payload":1}`, gone.url), "do not include this one", true},
		"secret without base64": {fmt.Sprintf(`{"url":%q,"secret":"odd","payload":1}`, gone.url), "not of the form whsec_", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := coretest.Run(t, define(t), coretest.New(t.Context(), "webhook", tt.data))
			coretest.RequireFinal(t, err, tt.final, tt.want)
			require.NotContains(t, err.Error(), "hush")
		})
	}
}
