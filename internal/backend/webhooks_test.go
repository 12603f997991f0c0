package backend_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestAWebhookIsMadeAndDelivered(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(testing.TB) string{"sqlite": testenv.SQLite, "postgres": testenv.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bodies := make(chan []byte, 10)
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies <- body
			}))
			t.Cleanup(receiver.Close)
			e := start(t, address(t), testenv.RedisURL(t), backend.Options{
				AdminEmail: adminEmail, AdminPassword: adminPassword,
				WebhookAllow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			})
			var w api.CreatedWebhook
			a := e.call(t, "POST", "/webhooks", map[string]any{"url": receiver.URL, "events": []string{"job.added"}})
			a.ok(t, 201, &w)
			require.Equal(t, "/api/v1/webhooks/"+w.ID, a.header.Get("Location"))
			require.NotEmpty(t, w.Secret)
			raw := e.call(t, "GET", "/webhooks/"+w.ID, nil).ok(t, 200, nil)
			require.NotContains(t, string(raw.body), w.Secret)

			e.queue(t, "q")
			job := e.submit(t, "q", map[string]any{"name": "x"})
			require.Contains(t, string(<-bodies), `"`+job.ID+`"`)
			eventually(t, "the delivery is listed", func() bool {
				var list api.Page[api.WebhookDelivery]
				e.call(t, "GET", "/webhooks/"+w.ID+"/deliveries", nil).ok(t, 200, &list)
				return len(list.Items) == 1 && list.Items[0].Status == "delivered"
			})
			e.call(t, "DELETE", "/webhooks/"+w.ID, nil).ok(t, 204, nil)
			e.call(t, "GET", "/webhooks/"+w.ID, nil).refused(t, 404, "webhook_not_found", "path.id")
		})
	}
}

func TestWebhooksToAddressesThatAreNotPublicAreRefused(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		for _, address := range []string{"http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "ftp://example.com/", "http:///x"} {
			e.call(t, "POST", "/webhooks", map[string]any{"url": address, "events": []string{"job.added"}}).
				refused(t, 422, "validation_failed", "body.url")
		}
		e.call(t, "POST", "/webhooks", map[string]any{"url": "https://example.com/", "events": []string{"job.nothing"}}).
			refused(t, 422, "validation_failed", "body.events[0]")
		var list struct{ Items []json.RawMessage }
		e.call(t, "GET", "/webhooks", nil).ok(t, 200, &list)
		require.Empty(t, list.Items)
	})
}
