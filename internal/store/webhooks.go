package store

import (
	"context"

	"github.com/uptrace/bun"
)

// Webhook is an address that is told about events.
type Webhook struct {
	bun.BaseModel `bun:"table:webhooks"`

	ID     string `bun:",pk"`
	URL    string
	Events []string
	// Queues are patterns that the webhook's author chose, VisibleQueues those
	// that the author was limited to; a queue must match both. None means all.
	Queues        []string
	VisibleQueues []string
	// Secret signs the deliveries, so it is needed as it is and can't be hashed. It is
	// not encrypted: the key would have to lie beside it, in the same database.
	Secret    string
	Enabled   bool
	CreatedBy string
	CreatedAt int64
	UpdatedAt int64
}

// WebhookDelivery is what became of one message to a webhook.
type WebhookDelivery struct {
	bun.BaseModel `bun:"table:webhook_deliveries"`

	ID        string `bun:",pk"`
	WebhookID string
	Event     string
	Queue     string
	JobID     string
	Status    string
	Attempts  int
	// ResponseStatus is the HTTP status of the latest attempt, 0 if there was no
	// answer; Response is the beginning of its body.
	ResponseStatus int
	Response       string
	Error          string
	DurationMS     int64 `bun:"duration_ms"`
	CreatedAt      int64
	UpdatedAt      int64
}

// CreateWebhook adds a webhook.
func (db *DB) CreateWebhook(ctx context.Context, w *Webhook) error {
	_, err := db.write.NewInsert().Model(w).Exec(ctx)
	return wrap("create webhook", err)
}

// Webhook returns the webhook of this id, or [ErrNotFound].
func (db *DB) Webhook(ctx context.Context, id string) (*Webhook, error) {
	w := new(Webhook)
	err := db.read.NewSelect().Model(w).Where("id = ?", id).Scan(ctx)
	return w, wrap("read webhook", err)
}

// Webhooks returns up to limit webhooks from offset on, newest first, and how
// many there are in all.
func (db *DB) Webhooks(ctx context.Context, offset, limit int64) ([]Webhook, int64, error) {
	var hooks []Webhook
	n, err := db.read.NewSelect().Model(&hooks).Order("created_at DESC", "id DESC").
		Offset(offset).Limit(limit).ScanAndCount(ctx)
	return hooks, n, wrap("list webhooks", err)
}

// EnabledWebhooks returns up to limit webhooks that are to be told about events.
func (db *DB) EnabledWebhooks(ctx context.Context, limit int64) ([]Webhook, error) {
	var hooks []Webhook
	err := db.read.NewSelect().Model(&hooks).Where("enabled").Order("created_at", "id").Limit(limit).Scan(ctx)
	return hooks, wrap("list enabled webhooks", err)
}

// UpdateWebhook replaces what an author says about a webhook. It returns
// [ErrNotFound] if there is none of its id.
func (db *DB) UpdateWebhook(ctx context.Context, w *Webhook) error {
	res, err := db.write.NewUpdate().Model(w).
		Column("url", "events", "queues", "visible_queues", "enabled", "updated_at").WherePK().Exec(ctx)
	return oneRow("update webhook", res, err)
}

// DisableWebhook stops telling a webhook about events.
func (db *DB) DisableWebhook(ctx context.Context, id string, now int64) error {
	res, err := db.write.NewUpdate().Model((*Webhook)(nil)).
		Set("enabled = ?", false).Set("updated_at = ?", now).Where("id = ?", id).Exec(ctx)
	return oneRow("disable webhook", res, err)
}

// DeleteWebhook removes a webhook and the log of its deliveries. It returns
// [ErrNotFound] if there is none of this id.
func (db *DB) DeleteWebhook(ctx context.Context, id string) error {
	res, err := db.write.NewDelete().Model((*Webhook)(nil)).Where("id = ?", id).Exec(ctx)
	return oneRow("delete webhook", res, err)
}

// RecordDelivery notes how the latest attempt of a delivery went. Of a webhook
// that is gone nothing is noted.
func (db *DB) RecordDelivery(ctx context.Context, d *WebhookDelivery) error {
	return db.tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		exists, err := tx.NewSelect().Model((*Webhook)(nil)).Where("id = ?", d.WebhookID).Exists(ctx)
		if err != nil || !exists {
			return wrap("record webhook delivery", err)
		}
		q := tx.NewInsert().Model(d).On("CONFLICT (id) DO UPDATE")
		for _, column := range []string{"status", "attempts", "response_status", "response", "error", "duration_ms", "updated_at"} {
			q = q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
		}
		_, err = q.Exec(ctx)
		return wrap("record webhook delivery", err)
	})
}

// Deliveries returns up to limit deliveries of a webhook from offset on, newest
// first, and how many there are in all.
func (db *DB) Deliveries(ctx context.Context, webhookID string, offset, limit int64) ([]WebhookDelivery, int64, error) {
	var list []WebhookDelivery
	n, err := db.read.NewSelect().Model(&list).Where("webhook_id = ?", webhookID).
		Order("created_at DESC", "id DESC").Offset(offset).Limit(limit).ScanAndCount(ctx)
	return list, n, wrap("list webhook deliveries", err)
}

// PruneDeliveries removes deliveries made before a time, at most limit of them,
// and returns how many it removed.
func (db *DB) PruneDeliveries(ctx context.Context, before, limit int64) (int64, error) {
	old := db.write.NewSelect().Model((*WebhookDelivery)(nil)).Column("id").Where("created_at < ?", before).Limit(limit)
	res, err := db.write.NewDelete().Model((*WebhookDelivery)(nil)).Where("id IN (?)", old).Exec(ctx)
	if err != nil {
		return 0, wrap("prune webhook deliveries", err)
	}
	n, err := res.RowsAffected()
	return n, wrap("prune webhook deliveries", err)
}
