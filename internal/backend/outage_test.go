package backend_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestTheBackendOutlivesRedis(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(testing.TB) string{"sqlite": testenv.SQLite, "postgres": testenv.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testenv.StartRedis(t)
			e := start(t, address(t), redis.URL, backend.Options{AdminEmail: adminEmail, AdminPassword: adminPassword})
			e.queue(t, "q")
			e.submit(t, "q", map[string]any{"name": "x"})
			e.call(t, "GET", "//readyz", nil).ok(t, 200, nil)

			redis.Stop()
			eventually(t, "it is not ready", func() bool { return e.call(t, "GET", "//readyz", nil).status == 503 })
			var health map[string]string
			e.call(t, "GET", "//readyz", nil).ok(t, 503, &health)
			require.Equal(t, map[string]string{"status": "unavailable", "redis": "unavailable", "sql": "ok"}, health)
			e.call(t, "GET", "//healthz", nil).ok(t, 200, nil)
			// All at once, since each waits a little for Redis to come back.
			requests := []struct{ method, path, body string }{
				{"POST", "/queues/q/jobs", `{"name":"x"}`},
				{"POST", "/queues/q/jobs/bulk", `{"jobs":[{"name":"x"}]}`},
				{"POST", "/queues", `{"name":"new"}`},
				{"POST", "/queues/q/pause", ""},
				{"GET", "/queues", ""},
				{"GET", "/queues/q/jobs", ""},
				{"GET", "/stats", ""},
			}
			answers := make([]answer, len(requests))
			var g errgroup.Group
			for i, r := range requests {
				g.Go(func() (err error) {
					answers[i], err = e.try(t.Context(), r.method, r.path, r.body)
					return err
				})
			}
			require.NoError(t, g.Wait())
			for _, a := range answers {
				a.refused(t, 503, "unavailable")
				require.NotEmpty(t, a.header.Get("Retry-After"))
			}
			e.call(t, "GET", "/auth/me", nil).ok(t, 200, nil)
			e.call(t, "GET", "/flows", nil).ok(t, 200, nil)

			require.NoError(t, redis.Start())
			eventually(t, "it recovers by itself", func() bool { return e.call(t, "GET", "//readyz", nil).status == 200 })
			eventually(t, "jobs are taken again", func() bool {
				a := e.call(t, "POST", "/queues/q/jobs", `{"name":"x"}`)
				return a.status == 201
			})
			var page struct{ Items []json.RawMessage }
			e.call(t, "GET", "/queues/q/jobs", nil).ok(t, 200, &page)
			require.NotEmpty(t, page.Items)
		})
	}
}
