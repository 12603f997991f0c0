package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/store"
)

func TestWebhooksAreKeptListedAndDeletedWithTheirDeliveries(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		w := &store.Webhook{
			ID: "w1", URL: "https://example.com/hook", Events: []string{"job.completed"}, Queues: []string{"mail-*"},
			VisibleQueues: []string{}, Secret: "whsec_x", Enabled: true, CreatedBy: "u", CreatedAt: 1, UpdatedAt: 1,
		}
		require.NoError(t, db.CreateWebhook(ctx, w))
		require.ErrorIs(t, db.CreateWebhook(ctx, w), store.ErrConflict)
		got, err := db.Webhook(ctx, "w1")
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(w, got))

		require.NoError(t, db.CreateWebhook(ctx, &store.Webhook{ID: "w2", CreatedAt: 2, Enabled: true}))
		hooks, total, err := db.Webhooks(ctx, 0, 1)
		require.NoError(t, err)
		require.Equal(t, int64(2), total)
		require.Equal(t, "w2", hooks[0].ID)

		w.URL, w.Secret, w.UpdatedAt = "https://example.com/other", "ignored", 3
		require.NoError(t, db.UpdateWebhook(ctx, w))
		got, err = db.Webhook(ctx, "w1")
		require.NoError(t, err)
		require.Equal(t, "https://example.com/other", got.URL)
		require.Equal(t, "whsec_x", got.Secret)

		require.NoError(t, db.DisableWebhook(ctx, "w2", 4))
		enabled, err := db.EnabledWebhooks(ctx, 10)
		require.NoError(t, err)
		require.Len(t, enabled, 1)
		require.Equal(t, "w1", enabled[0].ID)

		d := &store.WebhookDelivery{ID: "m1", WebhookID: "w1", Event: "job.completed", Queue: "mail", JobID: "1", Status: "retrying", Attempts: 1, CreatedAt: 5}
		require.NoError(t, db.RecordDelivery(ctx, d))
		require.NoError(t, db.DeleteWebhook(ctx, "w1"))
		require.ErrorIs(t, db.DeleteWebhook(ctx, "w1"), store.ErrNotFound)
		require.ErrorIs(t, db.UpdateWebhook(ctx, w), store.ErrNotFound)
		_, total, err = db.Deliveries(ctx, "w1", 0, 10)
		require.NoError(t, err)
		require.Zero(t, total)
		require.NoError(t, db.RecordDelivery(ctx, d))
		_, total, err = db.Deliveries(ctx, "w1", 0, 10)
		require.NoError(t, err)
		require.Zero(t, total)
	})
}

func TestDeliveriesKeepTheirLatestAttemptAndArePruned(t *testing.T) {
	t.Parallel()
	onEachDatabase(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		require.NoError(t, db.CreateWebhook(ctx, &store.Webhook{ID: "w"}))
		for i := range 10 {
			require.NoError(t, db.RecordDelivery(ctx, &store.WebhookDelivery{
				ID: fmt.Sprint("m", i), WebhookID: "w", Status: "delivered", Attempts: 1, ResponseStatus: 200, CreatedAt: int64(i),
			}))
		}
		last := &store.WebhookDelivery{
			ID: "m9", WebhookID: "w", Status: "failed", Attempts: 2, ResponseStatus: 500, Response: "no", Error: "HTTP 500",
			DurationMS: 7, CreatedAt: 99, UpdatedAt: 100,
		}
		require.NoError(t, db.RecordDelivery(ctx, last))
		list, total, err := db.Deliveries(ctx, "w", 0, 2)
		require.NoError(t, err)
		require.Equal(t, int64(10), total)
		last.CreatedAt = 9
		require.Empty(t, cmp.Diff(last, &list[0]))
		require.Equal(t, "m8", list[1].ID)

		n, err := db.PruneDeliveries(ctx, 5, 3)
		require.NoError(t, err)
		require.Equal(t, int64(3), n)
		n, err = db.PruneDeliveries(ctx, 5, 3)
		require.NoError(t, err)
		require.Equal(t, int64(2), n)
		_, total, err = db.Deliveries(ctx, "w", 0, 1)
		require.NoError(t, err)
		require.Equal(t, int64(5), total)
	})
}
