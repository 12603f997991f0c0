package catalogue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/redis/rueidis"
)

// ErrWorkerNotFound says that no worker of this id is there.
var ErrWorkerNotFound = errors.New("no such worker")

// Orders are what a worker is asked to do from elsewhere. The zero value asks
// for nothing out of the ordinary.
type Orders struct {
	// Paused asks it to take no jobs; those that run go on.
	Paused bool `json:"paused"`
}

// ordersTTL is how long orders are kept; a worker that lives longer renews them.
const ordersTTL = 24 * time.Hour

// Order gives a worker its orders, in place of those it had. They hold until it
// ends. It returns [ErrWorkerNotFound] if there is no such worker.
func (r *Reader) Order(ctx context.Context, id string, orders Orders) error {
	text, err := json.Marshal(orders)
	if err != nil {
		return fmt.Errorf("encode orders: %w", err)
	}
	b := r.client.B()
	there, err := r.client.Do(ctx, b.Exists().Key(r.keys.worker(id)).Build()).AsBool()
	if err != nil {
		return fmt.Errorf("look for worker %s: %w", id, err)
	}
	if !there {
		return ErrWorkerNotFound
	}
	err = firstError(r.client.DoMulti(ctx,
		b.Set().Key(r.keys.orders(id)).Value(rueidis.BinaryString(text)).Px(ordersTTL).Build(),
		b.Publish().Channel(r.keys.ordered()).Message(id).Build(),
	))
	if err != nil {
		return fmt.Errorf("give orders to worker %s: %w", id, err)
	}
	return nil
}

// obey hands orders on when they differ from those before.
func (p *Publisher) obey(ctx context.Context, reply rueidis.RedisResult) {
	var orders Orders
	text, err := reply.AsBytes()
	if err == nil {
		err = json.Unmarshal(text, &orders)
	}
	if err != nil && !rueidis.IsRedisNil(err) {
		p.opts.Logger.WarnContext(ctx, "orders for this worker could not be read", slog.Any("error", err))
		return
	}
	if orders != p.orders {
		p.orders = orders
		p.opts.Ordered(orders)
	}
}

// listen has the entry written, and with it orders read, as soon as some are
// given. It outlives lost connections: orders are read with each renewal too.
func (p *Publisher) listen(ctx context.Context, id string) {
	const pause = time.Second
	for ctx.Err() == nil {
		_ = p.client.Receive(ctx, p.client.B().Subscribe().Channel(p.keys.ordered()).Build(), func(m rueidis.PubSubMessage) {
			if m.Message == id {
				p.Changed()
			}
		})
		select {
		case <-ctx.Done():
		case <-time.After(pause + rand.N(pause)): //nolint:gosec // nothing to guess
		}
	}
}
